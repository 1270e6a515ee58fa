"""Encodes responses.

A ``DeltaDiscoveryResponse`` is a sequence of length-delimited fields, so a response can be
concatenated from resources that are encoded once. To build the message for each proxy would copy
and serialize every resource again.
"""

from __future__ import annotations

from collections.abc import Iterable

from laneway.compile.resources import Resource

# Field numbers of envoy.service.discovery.v3.DeltaDiscoveryResponse ...
_RESOURCES, _TYPE_URL, _NONCE, _REMOVED, _CONTROL_PLANE = 2, 4, 5, 6, 7
# ... of its Resource ...
_VERSION, _ANY, _NAME = 1, 2, 3
# ... of google.protobuf.Any and of ControlPlane.
_ANY_TYPE, _ANY_VALUE, _IDENTIFIER = 1, 2, 1


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


def encode(resource: Resource) -> bytes:
    """The resource as the ``resources`` field of a response."""
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
