"""The article's generated objects, as it prints them, against what the examples emit.

``tests/golden/article`` holds its YAML blocks; repaired are only the indentation of two lines and
the name of the ingress rule, which the article declares as r1 and prints as r2.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compile.gateway_api import emission as gateway_api
from tests.compile.golden_documents import asm_documents, envoy_documents
from tests.compile.istio import emission as istio

from laneway.adapters.files import read
from laneway.compile.asm.documents import emit
from laneway.compile.istio.limits import limits as istio_limits
from laneway.compile.lower import lower
from laneway.model.meshes import Mesh
from laneway.schema.yaml_text import dump_all

ROOT = Path(__file__).parents[3]


def _blocks(scenario: str) -> list[str]:
    path = ROOT / "tests/golden/article" / f"{scenario}.yaml"
    return path.read_text(encoding="utf-8").split("---\n")


def _key(document: dict[str, Any]) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return document["kind"], metadata["namespace"], metadata["name"]


GENERATED = [
    pytest.param(example, block, id=f"{example} {' '.join(_key(yaml.safe_load(block)))}")
    for example, scenario in (
        ("scenario-1", "scenario-1"),
        ("asm", "scenario-1"),
        ("scenario-2", "scenario-2"),
    )
    for block in _blocks(scenario)[1:]
]


@pytest.mark.parametrize(("example", "block"), GENERATED)
def test_generated_object_is_the_articles_to_the_letter(example: str, block: str) -> None:
    mesh = read([str(ROOT / "examples" / example)]).mesh
    emitted = {_key(document): document for document in emit(mesh, lower(mesh))}
    assert dump_all([emitted[_key(yaml.safe_load(block))]]) == block


@pytest.mark.parametrize("scenario", ["scenario-1", "scenario-2"])
def test_the_examples_gateway_is_the_articles(scenario: str) -> None:
    text = (ROOT / "examples" / scenario / "lanes.yaml").read_text(encoding="utf-8")
    gateway = next(d for d in yaml.safe_load_all(text) if d["kind"] == "Gateway")
    del gateway["metadata"]["annotations"]
    assert gateway == yaml.safe_load(_blocks(scenario)[0])


@pytest.mark.parametrize(
    ("example", "kinds"),
    [
        ("scenario-1", {"TrafficLabel": 3, "DestinationRule": 3, "VirtualService": 6}),
        ("scenario-2", {"DestinationRule": 3, "VirtualService": 6}),
    ],
)
def test_nothing_else_is_generated(example: str, kinds: dict[str, int]) -> None:
    mesh = read([str(ROOT / "examples" / example)]).mesh
    found: dict[str, int] = {}
    for document in emit(mesh, lower(mesh)):
        found[document["kind"]] = found.get(document["kind"], 0) + 1
    assert found == kinds


#: By dialect, what is emitted for a mesh, and what its report says.
EMITTED: dict[str, Callable[[Mesh], object]] = {
    "asm": asm_documents,
    "envoy": envoy_documents,
    "istio": istio.emitted,
    "istio's report": lambda mesh: istio_limits(mesh, lower(mesh)),
    "gateway-api": gateway_api.emitted,
    "gateway-api's report": gateway_api.report,
}


@pytest.mark.parametrize("emitted", EMITTED.values(), ids=EMITTED.keys())
def test_asms_own_kinds_mean_the_same_as_laneways(emitted: Callable[[Mesh], object]) -> None:
    """Hence ``scenario-1``'s golden files are those of the example ``asm``, too."""
    one, other = (read([str(ROOT / "examples" / e)]).mesh for e in ("scenario-1", "asm"))
    assert emitted(one)
    assert emitted(one) == emitted(other)
