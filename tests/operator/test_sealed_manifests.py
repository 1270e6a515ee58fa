"""What was compared once is not compared again while neither side is another object."""

from __future__ import annotations

import pytest
from tests.operator.fake_dialects import document

from laneway.operator import sealed_manifests
from laneway.operator.manifests import Manifest, is_current, seal
from laneway.operator.sealed_manifests import SealedManifests


def rule(host: str = "a") -> Manifest:
    return document("DestinationRule", "v1", {"name": "a", "namespace": "default"}, host=host)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each comparison that is really made."""
    made: list[object] = []

    def counted(existing: Manifest, sealed: Manifest) -> bool:
        made.append(existing)
        return is_current(existing, sealed)

    monkeypatch.setattr(sealed_manifests, "is_current", counted)
    return made


def test_agreement_is_remembered_while_both_stay_the_same_objects(compared: list[object]) -> None:
    known, manifest = SealedManifests(), rule()
    existing = seal(manifest)
    for _ in range(3):
        assert known.is_current(existing, manifest)
        known.next_pass()
    assert len(compared) == 1
    assert known.is_current(dict(existing), manifest)
    assert len(compared) == 2


def test_disagreement_is_remembered_too(compared: list[object]) -> None:
    known, manifest = SealedManifests(), rule()
    existing = seal(rule("b"))
    assert not known.is_current(existing, manifest)
    assert not known.is_current(existing, manifest)
    assert len(compared) == 1
    assert known.is_current(seal(manifest), manifest)


def test_what_is_not_asked_for_is_forgotten(compared: list[object]) -> None:
    known, manifest = SealedManifests(), rule()
    existing = seal(manifest)
    assert known.is_current(existing, manifest)
    known.next_pass()
    known.next_pass()
    assert known.is_current(existing, manifest)
    assert len(compared) == 2


def test_a_manifest_is_sealed_once() -> None:
    known, manifest = SealedManifests(), rule()
    assert known.seal(manifest) is known.seal(manifest)
    assert known.seal(manifest) == seal(manifest)
