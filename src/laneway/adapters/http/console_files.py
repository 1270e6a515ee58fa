"""Serves the console's files below ``/console/``, with the security headers for browsers.

The files are public, because the page must load before anybody can sign in. All data comes from the
API, to which the page sends a token.
"""

from __future__ import annotations

import gzip
import mimetypes
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from laneway.adapters.http.server import ServerUnusable

ROOT = "/console/"
#: Where a browser exchanges the code from a link for a token.
SIGN_IN = f"{ROOT}sign-in"
#: Where it revokes that token.
SIGN_OUT = f"{ROOT}sign-out"
#: Vite writes this wherever a nonce belongs (``html.cspNonce`` in ``console/vite.config.ts``).
_NONCE = b"__CSP_NONCE__"
#: And this, in ``console/index.html``, is where the server says whether it is part of a cluster.
_PLACE = b"__LANEWAY_PLACE__"
_PAGE = "index.html"
_NOT_BUILT = (
    "The console was not built. In a clone of laneway, `make console` builds it; then start "
    "`laneway serve` again.\n"
)


class ConsoleNotBuilt(ServerUnusable):
    """The console's files do not exist. The message is complete for a terminal."""

    def __init__(self) -> None:
        super().__init__(_NOT_BUILT.strip())


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    media_type: str

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(path.read_bytes(), mimetypes.guess_type(path.name)[0] or "text/plain")


class ConsoleFiles:
    """The output of ``vite build``, in memory, so no other file can be requested."""

    def __init__(self, find: Callable[[], Path | None], *, in_cluster: bool = False) -> None:
        """``find`` returns the folder, or None while the console is not built. ``in_cluster``: the
        page is told so, because users sign in with the cluster's tokens there."""
        self._find = find
        self._place = b"cluster" if in_cluster else b"machine"
        self._page = b""
        self._assets: Mapping[str, tuple[_File, bytes]] = {}

    @property
    def built(self) -> bool:
        """Whether the files are there, by now."""
        if not self._page and (folder := self._find()) is not None:
            self._read(folder)
        return bool(self._page)

    def _read(self, folder: Path) -> None:
        read = {path.name: _File.read(path) for path in (folder / "assets").iterdir()}
        self._assets = {
            name: (file, gzip.compress(file.data, 6, mtime=0)) for name, file in read.items()
        }
        self._page = (folder / _PAGE).read_bytes().replace(_PLACE, self._place)

    @property
    def routes(self) -> list[Route]:
        return [
            Route(ROOT.rstrip("/"), _to_page),
            Route(ROOT, self._show_page),
            Route(f"{ROOT}assets/{{name}}", self._show_asset),
        ]

    async def _show_page(self, request: Request) -> Response:
        if not self.built:
            return PlainTextResponse(_NOT_BUILT, 404)
        nonce = secrets.token_urlsafe(18)
        headers = {
            **_ALWAYS,
            "Content-Security-Policy": content_security_policy(nonce),
            "Cache-Control": "no-store",
        }
        page = self._page.replace(_NONCE, nonce.encode())
        return Response(page, media_type="text/html", headers=headers)

    async def _show_asset(self, request: Request) -> Response:
        found = self._assets.get(request.path_params["name"]) if self.built else None
        if found is None:
            return PlainTextResponse("the console has no such file\n", 404, _ALWAYS)
        file, compressed = found
        # The name contains a hash of the content.
        headers = {**_ALWAYS, "Cache-Control": "public, max-age=31536000, immutable"}
        headers["Vary"] = "Accept-Encoding"
        data = file.data
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            data = compressed
        return Response(data, media_type=file.media_type, headers=headers)


def content_security_policy(nonce: str) -> str:
    """Allows only the server's own files, and by nonce the styles that Ant Design creates at run
    time."""
    return "; ".join(
        (
            "default-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def _to_page(request: Request) -> Response:
    return RedirectResponse(ROOT, 308)
