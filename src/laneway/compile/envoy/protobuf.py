"""Protobuf packing shared by the emitters: extensions, durations and finished resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy.config.core.v3 import address_pb2, config_source_pb2, extension_pb2
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from xds.core.v3 import extension_pb2 as xds_extension_pb2

from laneway.compile.resources import Resource

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from laneway.model.placements import Address


def packed(message: Message) -> Any:
    """``message`` as an ``Any``, serialized deterministically so that versions are stable."""
    result = Any()
    result.Pack(message, deterministic=True)
    return result


def extension(name: str, message: Message) -> extension_pb2.TypedExtensionConfig:
    return extension_pb2.TypedExtensionConfig(name=name, typed_config=packed(message))


def matcher_extension(name: str, message: Message) -> xds_extension_pb2.TypedExtensionConfig:
    """The same as ``extension``, as the type that the unified matcher API uses."""
    return xds_extension_pb2.TypedExtensionConfig(name=name, typed_config=packed(message))


def duration(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=round((seconds % 1) * 1_000_000_000))


def socket_address(address: Address) -> address_pb2.Address:
    return address_pb2.Address(
        socket_address=address_pb2.SocketAddress(address=address.host, port_value=address.port)
    )


def ads(wait: float | None = None) -> config_source_pb2.ConfigSource:
    """``wait``: seconds until Envoy stops waiting for the first response (its default is 15);
    0 means never."""
    source = config_source_pb2.ConfigSource(
        ads=config_source_pb2.AggregatedConfigSource(), resource_api_version="V3"
    )
    if wait is not None:
        source.initial_fetch_timeout.CopyFrom(duration(wait))
    return source


def resource(type_url: str, name: str, message: Message) -> Resource:
    return Resource.of(type_url, name, message.SerializeToString(deterministic=True))
