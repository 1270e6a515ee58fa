"""The registry: every dialect is used through one interface, and its kinds are complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.compile.golden_cases import CASES, mesh_of

from laneway.adapters.kube.resources import generated
from laneway.compile.lower import lower
from laneway.wiring.dialects import DIALECTS, Settings, render, unsupported

WITH_KINDS = [name for name, entry in DIALECTS.items() if entry.configured(Settings()).kinds]


@pytest.mark.parametrize("name", DIALECTS)
def test_each_renders_and_reports(name: str) -> None:
    mesh = mesh_of(CASES[0])
    documents = list(render(mesh, name))
    assert documents
    assert documents == list(render(mesh, name))
    assert all(finding.code.startswith(name.upper()[:3]) for finding in unsupported(mesh, name))


def test_those_that_an_operator_can_apply() -> None:
    assert WITH_KINDS == ["istio", "gateway-api"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", WITH_KINDS)
def test_what_is_emitted_is_of_its_kinds_and_what_routes_use_comes_first(
    name: str, case: Path
) -> None:
    dialect = DIALECTS[name].configured(Settings(gateway_class="any"))
    mesh = mesh_of(case)
    for document in dialect.emit(mesh, lower(mesh)):
        kind = dialect.kinds[document["kind"]]
        assert kind.api_version == document["apiVersion"]
    routes = [kind.is_route for kind in dialect.kinds.values()]
    assert routes == sorted(routes)


@pytest.mark.parametrize("name", WITH_KINDS)
def test_a_cluster_has_them_at_a_path(name: str) -> None:
    kinds = DIALECTS[name].configured(Settings()).kinds
    for kind, resource in generated(kinds).items():
        assert resource.api_version == kinds[kind].api_version
        assert resource.path().startswith(("/apis/", "/api/v1/"))
