"""Certificates that ``api.laneway.dev`` is served with in a cluster."""

from __future__ import annotations

from pathlib import Path

from laneway.wiring.aggregated_api import NoCertificate

CERTIFICATE, KEY = "tls.crt", "tls.key"


class CertificateFolder:
    """Files of one's own, as a mounted Secret of the type ``kubernetes.io/tls`` has them. They are
    read again at each look, so a renewed certificate needs no restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def pair(self) -> bytes:
        try:
            return b"\n".join((self._folder / name).read_bytes() for name in (CERTIFICATE, KEY))
        except OSError as error:
            raise NoCertificate(f"{error.filename}: {error.strerror}") from error
