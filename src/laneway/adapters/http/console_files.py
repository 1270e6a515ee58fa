"""The console's files below ``/console/``: a page, its scripts, and rules for the browser.

The files are public, as the page has to be there before anybody can sign in. All that it shows
comes from the API, for which it sends a token.
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
#: Where a browser exchanges the code of a link for a token; it has none yet.
SIGN_IN = f"{ROOT}sign-in"
#: Where it gives that token back.
SIGN_OUT = f"{ROOT}sign-out"
#: Vite writes this wherever a nonce belongs (``html.cspNonce`` in ``console/vite.config.ts``).
_NONCE = b"__CSP_NONCE__"
_PAGE = "index.html"
_NOT_BUILT = (
    "The console was not built. In a clone of laneway, `make console` builds it; then start "
    "`laneway serve` again.\n"
)


class ConsoleNotBuilt(ServerUnusable):
    """There are no files of the console. The message is complete for a terminal."""

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
    """What ``vite build`` wrote, in memory: so nothing beyond it can be asked for."""

    def __init__(self, find: Callable[[], Path | None]) -> None:
        """``find`` returns the folder, or None while the console is not built."""
        self._find = find
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
        self._page = (folder / _PAGE).read_bytes()

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
        # The name holds a hash of the content.
        headers = {**_ALWAYS, "Cache-Control": "public, max-age=31536000, immutable"}
        headers["Vary"] = "Accept-Encoding"
        data = file.data
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            data = compressed
        return Response(data, media_type=file.media_type, headers=headers)


def content_security_policy(nonce: str) -> str:
    """Nothing but the server's own files; styles that Ant Design makes while it runs by nonce."""
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
