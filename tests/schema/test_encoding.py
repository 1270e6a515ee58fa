"""What is encoded is decoded equal: the ground of a store and of conversions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from tests.schema.declared import meshes

from laneway.model.codes import Code
from laneway.model.findings import Source
from laneway.model.keys import Declared
from laneway.model.meshes import Mesh
from laneway.schema import Document, decode, encode

#: Of a single document: what encoding must never cause. Whether objects fit together is chance.
SHAPE = {Code.INVALID_VALUE, Code.MISSING_FIELD, Code.UNKNOWN_FIELD, Code.WRONG_TYPE}


def documents(mesh: Mesh) -> list[Document]:
    declared: Sequence[Declared] = (
        *mesh.groups,
        *mesh.lanes,
        *mesh.services,
        *mesh.workloads,
        *mesh.gateways,
    )
    return [
        Document(json.loads(json.dumps(encode(item))), Source("mesh", number))
        for number, item in enumerate(declared, 1)
    ]


@given(meshes())
@settings(max_examples=60, deadline=None)
def test_round_trip(mesh: Mesh) -> None:
    decoded, findings = decode(documents(mesh))
    assert not [finding for finding in findings if finding.code in SHAPE]
    assert decoded == mesh
