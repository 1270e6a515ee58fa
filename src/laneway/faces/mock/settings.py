"""Settings of the mock application: environment variables, with the article's names.

``app``, ``version``  what it says of itself
``upstream_url``      whom it calls for every request; nobody if unset
``bind``              ``host:port`` or ``:port``; without a host it listens on loopback only
``header``            the one header that it passes on
``status``, ``delay_ms``  answer with this status; wait that long first. For trying out faults.
``http_proxy``, ``no_proxy``  how it reaches its upstream: through its sidecar

No dataclasses: to import them takes as long as all the rest of the mock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

Address = tuple[str, int]


class Upstream(NamedTuple):
    """Connect to ``address`` (the upstream or its proxy), ask for ``target``."""

    address: Address
    target: str
    host: str


class Settings(NamedTuple):
    app: str
    version: str
    bind: Address
    upstream: Upstream | None
    header: str
    status: int
    delay: float

    @staticmethod
    def of(env: Mapping[str, str]) -> Settings:
        """Raises ``ValueError`` with a line for the terminal."""
        url = env.get("upstream_url")
        return Settings(
            app=env.get("app", "mock"),
            version=env.get("version", "v1"),
            bind=_address(env.get("bind") or ":8000"),
            upstream=_upstream(url, env) if url else None,
            header=env.get("header", "my-request-id").lower(),
            status=int(_number(env, "status", "200")),
            delay=_number(env, "delay_ms", "0") / 1000,
        )


def _upstream(url: str, env: Mapping[str, str]) -> Upstream:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"upstream_url is {url!r}, want http://host:port/path")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = env.get("http_proxy") or env.get("HTTP_PROXY")
    excepted = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not proxy or parts.hostname in excepted.split(","):
        return Upstream((parts.hostname, parts.port or 80), path, parts.netloc)
    via = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if not via.hostname:
        raise ValueError(f"http_proxy is {proxy!r}, want http://host:port")
    return Upstream((via.hostname, via.port or 80), f"http://{parts.netloc}{path}", parts.netloc)


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"bind is {text!r}, want host:port or :port")
    return host.strip("[]") or "127.0.0.1", int(port)


def _number(env: Mapping[str, str], name: str, default: str) -> float:
    try:
        return float(env.get(name) or default)
    except ValueError:
        raise ValueError(f"{name} is {env[name]!r}, want a number") from None
