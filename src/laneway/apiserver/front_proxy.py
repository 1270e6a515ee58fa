"""Users of an extension API server, as the API server in front of it names them. Pure.

Kubernetes' API server authenticates users, and forwards requests for ``api.laneway.dev`` to
laneway's operator. It proves itself by a client certificate, and names the user in headers. Which
authority signs that certificate, and what the headers are called, is in a ConfigMap that every
cluster has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from laneway.apiserver.failures import Failure
from laneway.apiserver.tokens import Identity

_KEY = "requestheader-"
_AUTHORITIES = f"{_KEY}client-ca-file"


class NoFrontProxy(ValueError):
    """The ConfigMap does not say how a front proxy proves itself. The message names the field."""


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """``authorities`` are certificates in PEM. ``names`` are the common names that the proxy's own
    certificate may have; none means any. The names of headers are in lower case."""

    authorities: str
    names: frozenset[str]
    user_headers: tuple[str, ...]
    uid_headers: tuple[str, ...] = ()
    group_headers: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterUser(Identity):
    """Whoever sends a request to a cluster. It has no scopes: the cluster decides on each request.

    ``extra`` are further facts about the user, such as the scopes of a token.
    """

    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


def front_proxy(data: Mapping[str, str]) -> FrontProxy:
    """``data`` is that of the ConfigMap ``extension-apiserver-authentication``.

    https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/. Raises
    ``NoFrontProxy``.
    """
    if not data.get(_AUTHORITIES, "").strip():
        raise NoFrontProxy(
            f"data.{_AUTHORITIES} is missing: the API server runs without "
            f"--{_AUTHORITIES}, so it cannot prove who it is"
        )
    users = _headers(data, "username-headers")
    if not users:
        raise NoFrontProxy(f"data.{_KEY}username-headers names no header")
    return FrontProxy(
        data[_AUTHORITIES],
        frozenset(_names(data, "allowed-names")),
        users,
        _headers(data, "uid-headers"),
        _headers(data, "group-headers"),
        _headers(data, "extra-headers-prefix"),
    )


def check_certificate(proxy: FrontProxy, common_names: Collection[str]) -> None:
    """Of a certificate that one of the proxy's authorities has signed. Raises ``Failure``."""
    if not common_names:
        raise Failure(401, "the client certificate has no common name")
    if proxy.names and not proxy.names.issuperset(common_names):
        raise Failure(401, "the client certificate is not that of the API server's front proxy")


def user_of(proxy: FrontProxy, headers: Iterable[tuple[bytes, bytes]]) -> ClusterUser:
    """The user whom the proxy names. Believe it only after ``check_certificate``. Raises
    ``Failure``."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(_text(value))
    return ClusterUser(
        _only(values, proxy.user_headers),
        frozenset(),
        uid=_only(values, proxy.uid_headers, required=False),
        groups=tuple(each for name in proxy.group_headers for each in values.get(name, ()) if each),
        extra=tuple(sorted(_extra(values, proxy.extra_prefixes))),
    )


def _only(values: Mapping[str, list[str]], names: Iterable[str], *, required: bool = True) -> str:
    """The value of the first of these headers that has one."""
    for name in names:
        given = [each for each in values.get(name, ()) if each]
        if len(given) > 1:
            raise Failure(401, f"the header {name} is there more than once")
        if given:
            return given[0]
    if required:
        raise Failure(401, f"no header names the user: {', '.join(names)}")
    return ""


def _extra(
    values: Mapping[str, list[str]], prefixes: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    found: dict[str, list[str]] = {}
    for prefix in prefixes:
        for name, given in values.items():
            if name.startswith(prefix):
                found.setdefault(_unescaped(name.removeprefix(prefix)), []).extend(given)
    yield from ((key, tuple(given)) for key, given in found.items())


def _unescaped(key: str) -> str:
    octets = re.sub(rb"%([0-9a-f]{2})", lambda hexed: bytes([int(hexed[1], 16)]), key.encode())
    return octets.decode(errors="replace")


def _text(value: bytes) -> str:
    """Go's HTTP client writes names as UTF-8, whatever RFC 9110 says."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Failure(401, "a header is not UTF-8") from error


def _headers(data: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in _names(data, key))


def _names(data: Mapping[str, str], key: str) -> list[str]:
    text = data.get(_KEY + key, "") or "[]"
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise NoFrontProxy(f"data.{_KEY}{key} is {text!r}, and must be a JSON list of names")
    return names
