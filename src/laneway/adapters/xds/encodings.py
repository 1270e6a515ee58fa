"""Responses as bytes. A resource is encoded once, however many proxies it is sent to.

A ``DeltaDiscoveryResponse`` is a sequence of length-delimited fields, so that a response is the
concatenation of pieces encoded before: building the message anew for each proxy would copy and
serialize every body again.
"""

from __future__ import annotations

from collections.abc import Iterable

from laneway.adapters.xds.references import references
from laneway.compile.snapshots import Resource

# Field numbers of envoy.service.discovery.v3.DeltaDiscoveryResponse ...
_RESOURCES, _TYPE_URL, _NONCE, _REMOVED, _CONTROL_PLANE = 2, 4, 5, 6, 7
# ... of its Resource ...
_VERSION, _ANY, _NAME = 1, 2, 3
# ... of google.protobuf.Any and of ControlPlane.
_ANY_TYPE, _ANY_VALUE, _IDENTIFIER = 1, 2, 1

#: Bytes of encoded resources kept; twice this at most, see ``Encodings``.
KEPT_BYTES = 64 * 1024 * 1024


class Encodings:
    """Resources as they go on the wire, and what they refer to, each worked out once.

    Two generations: when the young one is full it becomes the old one, and what is still in use
    is taken over on the next look-up. Nothing is counted or timed, and the memory is bounded.
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._size = 0
        self._young: dict[tuple[str, str, str], tuple[bytes, tuple[str, ...]]] = {}
        self._old: dict[tuple[str, str, str], tuple[bytes, tuple[str, ...]]] = {}

    def encoded(self, resource: Resource) -> bytes:
        """The resource as the ``resources`` field of a response."""
        return self._find(resource)[0]

    def references(self, resource: Resource) -> tuple[str, ...]:
        return self._find(resource)[1]

    def _find(self, resource: Resource) -> tuple[bytes, tuple[str, ...]]:
        key = (resource.type_url, resource.name, resource.version)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key) or (_encode(resource), references(resource))
            self._keep(key, found)
        return found

    def _keep(self, key: tuple[str, str, str], found: tuple[bytes, tuple[str, ...]]) -> None:
        if self._size > self._kept_bytes:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = found
        self._size += len(found[0])


def response(
    type_url: str, nonce: str, resources: Iterable[bytes], removed: Iterable[str]
) -> bytes:
    """A serialized ``DeltaDiscoveryResponse`` of encoded resources."""
    return b"".join(
        (
            *resources,
            _text(_TYPE_URL, type_url),
            _text(_NONCE, nonce),
            *(_text(_REMOVED, name) for name in removed),
            _IDENTITY,
        )
    )


def _encode(resource: Resource) -> bytes:
    packed = _text(_ANY_TYPE, resource.type_url) + _field(_ANY_VALUE, resource.body)
    fields = (
        _text(_VERSION, resource.version),
        _field(_ANY, packed),
        _text(_NAME, resource.name),
    )
    return _field(_RESOURCES, b"".join(fields))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field (wire type 2)."""
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_IDENTITY = _field(_CONTROL_PLANE, _text(_IDENTIFIER, "laneway"))
