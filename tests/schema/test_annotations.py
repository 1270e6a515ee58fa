"""Keys of laneway's own prefix: every kind that is read, every way to misspell them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from laneway.compile import ownership
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity, Source
from laneway.operator.manifests import CONTENT
from laneway.schema.annotations import LISTEN_PORTS, own_metadata
from laneway.schema.decoding import read_alone
from laneway.schema.documents import Document
from laneway.schema.kind import Kind
from laneway.schema.registry import KINDS


def document(kind: str, metadata: Mapping[str, object], api: str = "v1") -> Document:
    data = {"apiVersion": api, "kind": kind, "metadata": {"name": "a", **metadata}, "spec": {}}
    return Document(data, Source("a.yaml"))


def found(kind: str, **metadata: object) -> list[Finding]:
    return list(own_metadata(document(kind, metadata), kind))


@pytest.mark.parametrize(
    "key",
    [
        "laneway.dev/listen-port",
        "laneway.dev/listenports",
        "laneway.dev/Listen-Ports",
        "laneway.dev/listen_ports",
        "lanewy.dev/listen-ports",
        "Laneway.dev/listen-ports",
        "laneway.de/listen-port",
        "laneway.dev.listen-ports",
    ],
)
def test_a_misspelt_annotation_is_an_error_with_a_suggestion(key: str) -> None:
    findings = found("Gateway", annotations={key: "80=18080"})
    assert [(f.code, f.severity, f.path, f.fix) for f in findings] == [
        (
            Code.UNKNOWN_FIELD,
            Severity.ERROR,
            ("metadata", "annotations", key),
            f"did you mean {LISTEN_PORTS}?",
        )
    ]


@pytest.mark.parametrize("key", ["laneway.dev/color", "laneway.dev/", "laneway.dev"])
def test_an_unknown_one_of_the_prefix_is_an_error_too(key: str) -> None:
    (finding,) = found("Gateway", annotations={key: "x"})
    assert finding.code == Code.UNKNOWN_FIELD


def test_a_misspelt_label_is_an_error() -> None:
    (finding,) = found("Workload", labels={"laneway.dev/grup": "a"})
    assert finding.fix == "did you mean laneway.dev/group?"


@pytest.mark.parametrize(
    "key",
    ["example.com/listen-ports", "myway.dev/color", "app", "version", "group", "my-laneway.dev/x"],
)
def test_keys_of_others_are_theirs(key: str) -> None:
    assert found("Gateway", annotations={key: "x"}, labels={key: "x"}) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_looked_at(kind: Kind) -> None:
    annotations = {"laneway.dev/listen-prts": "80=18080"}
    wrong = document(kind.name, {"annotations": annotations}, kind.api_versions[0])
    assert "laneway.dev/listen-prts" in str([f.message for f in read_alone(wrong).findings])


def test_a_right_one_in_the_wrong_kind_is_a_warning() -> None:
    (finding,) = found("Service", annotations={LISTEN_PORTS: "80=18080"})
    assert (finding.code, finding.severity) == (Code.NO_EFFECT, Severity.WARNING)
    assert found("Gateway", annotations={LISTEN_PORTS: "80=18080"}) == []


def test_what_laneway_writes_itself_may_be_read_again() -> None:
    written = {ownership.GROUPS: "a", CONTENT: "a"}
    assert found("Service", annotations=written, labels={ownership.GROUP: "a"}) == []
