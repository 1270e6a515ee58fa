from __future__ import annotations

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryResponse
from hypothesis import given
from hypothesis import strategies as st

from laneway.adapters.xds.protocol.encodings import encode, response
from laneway.compile.resources import CLUSTER, Resource

NAMES = st.text(max_size=300)


@given(st.dictionaries(NAMES, st.binary(max_size=70_000), max_size=4), st.lists(NAMES), NAMES)
def test_the_bytes_are_the_message(
    bodies: dict[str, bytes], removed: list[str], nonce: str
) -> None:
    resources = [Resource.of(CLUSTER, name, body) for name, body in bodies.items()]
    message = DeltaDiscoveryResponse(
        type_url=CLUSTER,
        nonce=nonce,
        removed_resources=removed,
        control_plane={"identifier": "laneway"},
    )
    for each in resources:
        entry = message.resources.add(name=each.name, version=each.version)
        entry.resource.type_url, entry.resource.value = CLUSTER, each.body
    encoded = response(CLUSTER, nonce, map(encode, resources), removed)
    assert DeltaDiscoveryResponse.FromString(encoded) == message
