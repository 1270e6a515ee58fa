"""What a manifest says is read once while it stays the same object."""

from __future__ import annotations

import pytest
from tests.wiring.declared_objects import Object, group, lane, service

from laneway.adapters.kube.resources import SERVICES
from laneway.adapters.kube.retained_fields import trim_of
from laneway.operator import decoded_manifests
from laneway.operator.acceptance import accept
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.schema import Alone, Document, read_alone


def served(name: str) -> Object:
    """As the cache keeps it."""
    return trim_of(SERVICES)(service(name))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is really read."""
    names: list[str] = []

    def counted(document: Document) -> Alone:
        names.append(str(document.get("metadata", "name")))
        return read_alone(document)

    monkeypatch.setattr(decoded_manifests, "read_alone", counted)
    return names


def test_a_pass_reads_what_is_new(read: list[str]) -> None:
    known, declared, context = DecodedManifests(), [group("a"), lane("v1")], [served("a")]
    first = accept(declared, context, known)
    assert sorted(read) == ["a", "g", "v1"]
    read.clear()
    again = accept([*declared, lane("v2")], context, known)
    assert read == ["v2"]
    assert again.mesh.services[0] is first.mesh.services[0]
    assert again == accept([*declared, lane("v2")], context)


def test_errors_are_found_again(read: list[str]) -> None:
    known, declared = DecodedManifests(), [group("a"), lane("v1"), lane("v2", "z")]
    context = [served("a")]
    first = accept(declared, context, known)
    read.clear()
    assert accept(declared, context, known) == first
    assert first.findings
    assert read == []


def test_what_is_gone_is_forgotten(read: list[str]) -> None:
    known, gone = DecodedManifests(), lane("v2")
    accept([group("a"), lane("v1"), gone], [served("a")], known)
    for _ in range(2):
        accept([group("a"), lane("v1")], [served("a")], known)
    read.clear()
    known.of(gone)
    assert read == ["v2"]
