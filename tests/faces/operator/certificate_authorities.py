"""Throw-away certificate authorities, made by openssl, for certificates of 127.0.0.1."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """``folder`` holds its certificate and key, and those that it has issued."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def issue(
        self,
        into: Path,
        address: str = "IP:127.0.0.1",
        *,
        name: str = "x",
        usage: str = "serverAuth",
    ) -> None:
        """``tls.crt`` and ``tls.key``, as they stand in a Secret; ``name`` is the common name."""
        into.mkdir(exist_ok=True)
        request, extensions = into / "request", into / "extensions"
        extensions.write_text(f"subjectAltName={address}\nextendedKeyUsage={usage}\n")
        _openssl(
            *(
                "req",
                *_NEW_KEY,
                "-keyout",
                into / "tls.key",
                "-out",
                request,
                "-subj",
                f"/CN={name}",
            ),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-out", into / "tls.crt", "-days", "2"),
            *("-CA", self.certificate, "-CAkey", self.folder / "ca.key", "-CAcreateserial"),
            *("-extfile", extensions),
        )


def authority(folder: Path) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates")
    folder.mkdir()
    _openssl(
        *("req", "-x509", *_NEW_KEY, "-days", "2", "-subj", f"/CN={folder.name}"),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.crt"),
        *("-addext", "keyUsage=critical,keyCertSign"),
    )
    return Authority(folder)


def _openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
