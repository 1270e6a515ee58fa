"""The settings of ``laneway serve``: flags before the environment, and that before the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from laneway.faces.cli import serve
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.serve_configuration import ServeConfiguration, configuration

from .conftest import Cli


def written(folder: Path, text: str) -> Path:
    file = folder / "laneway.yaml"
    file.write_text(text)
    return file


def test_what_is_given_goes_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "listen: 127.0.0.1:1\nhistory-days: 7\nhost: [lanes.example]\n")
    found = configuration(file, {"listen": "127.0.0.1:2", "host": [], "concurrency": None})
    assert (found.listen, found.history_days, found.concurrency) == ("127.0.0.1:2", 7, 2)
    assert found.host == ["lanes.example"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lisen: x", "lisen: there is no such setting; did you mean listen?"),
        ("history-days: 0", "history-days: `0` is not at least 1"),
        ("host: one", "host: `one` is not a list, such as [a, b]"),
        ("listen: 7443", "listen: `7443` is not text: quote it"),
        ("- listen", "expected settings such as `listen: 127.0.0.1:7443`"),
        ("a: b: c", "is no YAML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(Failed) as error:
        configuration(file, {})
    assert str(file) in str(error.value)
    assert told in str(error.value)


def test_every_setting_is_a_flag_a_variable_and_a_field(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ServeConfiguration] = []
    monkeypatch.setattr(serve, "run", asked.append)
    values = {
        "data-dir": "/data",
        "listen": "127.0.0.1:7443",
        "console": "127.0.0.1:7480",
        "host": ["a"],
        "tls-cert": "c",
        "tls-key": "k",
        "concurrency": 3,
        "envoy": "e",
        "access-log": True,
        "log-header": ["x-user"],
        "explain": "w",
        "log-level": "info",
        "history-days": 5,
        "history-revisions": 5000,
    }
    assert set(values) == {name.replace("_", "-") for name in ServeConfiguration.model_fields}
    texts = {name: v[0] if isinstance(v, list) else str(v) for name, v in values.items()}
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in values.items())
    flags = ([f"--{n}"] if values[n] is True else [f"--{n}", text] for n, text in texts.items())
    cli("serve", *(word for flag in flags for word in flag))
    cli("serve", "--config", written(tmp_path, "".join(lines)))
    for name, text in texts.items():
        monkeypatch.setenv(f"LANEWAY_{name.replace('-', '_').upper()}", text)
    cli("serve")
    assert len(asked) == 3
    for found in asked:
        assert found.model_dump(by_alias=True) == values


def test_a_certificate_needs_its_key(cli: Cli) -> None:
    result = cli("serve", "--tls-cert", "c")
    assert result.code == 1
    assert "--tls-cert and --tls-key are given together" in result.message


def test_settings_are_checked_and_printed(cli: Cli, tmp_path: Path) -> None:
    file = written(tmp_path, "concurrency: 3\nlisten: 127.0.0.1:0\n")
    result = cli("serve", "--config", file, "--data-dir", tmp_path / "data", "--check")
    assert result.code == 0
    assert {
        "data-dir": str(tmp_path / "data"),
        "concurrency": 3,
        "listen": "127.0.0.1:0",
    }.items() <= yaml.safe_load(result.out).items()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concurrency: 0", "concurrency: `0` is not at least 1"),
        ("listen: nowhere", "`nowhere` is not HOST:PORT"),
        ("envoy: /nowhere/envoy", "/nowhere/envoy"),
        ("tls-cert: /nowhere/a\ntls-key: /nowhere/b", "--tls-cert /nowhere/a"),
        ("tls-cert: {}/laneway.yaml\ntls-key: {}/laneway.yaml", "--tls-cert"),
    ],
)
def test_what_would_keep_it_from_starting_is_found(
    cli: Cli, tmp_path: Path, text: str, told: str
) -> None:
    result = cli("serve", "--config", written(tmp_path, text.format(tmp_path, tmp_path)), "--check")
    assert result.code != 0
    assert told in result.message
