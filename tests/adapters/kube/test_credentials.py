"""The API server and the credentials that are used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from laneway.adapters.kube import credentials
from laneway.adapters.kube.errors import NoCredentials


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:1") -> Path:
    path = folder / "config"
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_kubeconfig_with_a_token(tmp_path: Path) -> None:
    found = credentials.find({"KUBECONFIG": str(kubeconfig(tmp_path, {"token": "t"}))})
    assert found.server == "http://127.0.0.1:1"
    assert found.token() == "t"


def test_a_token_file_is_read_anew(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"tokenFile": "token"})
    (tmp_path / "token").write_text("one\n")
    found = credentials.read(path)
    assert found.token() == "one"
    (tmp_path / "token").write_text("two\n")
    assert found.token() == "two"


def test_a_plugin_gives_the_token(tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "from a plugin"}})
    plugin = {"command": sys.executable, "args": ["-c", f"print({answer!r})"]}
    assert credentials.read(kubeconfig(tmp_path, {"exec": plugin})).token() == "from a plugin"


def test_a_plugin_that_fails_says_which(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"exec": {"command": "no-such-plugin"}})
    with pytest.raises(NoCredentials, match="no-such-plugin gave no token"):
        credentials.read(path).token()


def test_a_pods_own_account(tmp_path: Path) -> None:
    import ssl

    authorities = ssl.get_default_verify_paths().cafile
    if authorities is None:
        pytest.skip("this machine has no certificate authorities to stand in for a cluster's")
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(Path(authorities).read_bytes())
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    found = credentials.find(environment, tmp_path)
    assert found.server == "https://[fd00::1]:6443"
    assert found.token() == "t"


def test_no_credentials_at_all(tmp_path: Path) -> None:
    with pytest.raises(NoCredentials, match="set KUBECONFIG"):
        credentials.find({"HOME": str(tmp_path)}, tmp_path)
    with pytest.raises(NoCredentials, match="mount its service account's token"):
        credentials.find({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)


def test_what_a_kubeconfig_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("current-context: there\n")
    with pytest.raises(NoCredentials, match="has no context `there`"):
        credentials.read(path)
    with pytest.raises(NoCredentials, match="cannot be read"):
        credentials.read(tmp_path / "none")
