"""The documents that golden files are of, by dialect, and the text that is kept of them.

One case is kept in full, as the YAML that it is; the others in short form (``short_form.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.compile.gateway_api.emission import emitted as emitted_for_gateway_api
from tests.compile.golden_cases import CASES, NAMES, mesh_named
from tests.compile.istio.emission import emitted as emitted_for_istio
from tests.compile.short_form import short_form

from laneway.compile.asm.documents import emit as emit_asm
from laneway.compile.envoy import names
from laneway.compile.envoy.documents import documents
from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.gateway_api.options import Options as GatewayOptions
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Snapshot
from laneway.model.meshes import Mesh
from laneway.model.selection import Selection
from laneway.schema.yaml_text import dump_all

Document = dict[str, Any]

#: The case that is kept in full.
FULL = "scenario-1"
#: The types of resources for Envoy, in the order of the files, with the names of the full ones.
ENVOY_TYPES = {
    "routes": ROUTE,
    "clusters": CLUSTER,
    "endpoints": ENDPOINT,
    "listeners": LISTENER,
    "scopes": SCOPE,
}
#: Those whose gateways are rendered, too.
WITH_GATEWAY = {"scenario-2": GatewayOptions("example")}
_OPTIONS = Options(FilterModule("/opt/laneway/trace_memory.wasm"))


def snapshots_of(mesh: Mesh) -> Mapping[str, Snapshot]:
    return emit(mesh, lower(mesh), placeholder_placements(mesh), _OPTIONS)


def asm_documents(mesh: Mesh) -> list[Document]:
    return list(emit_asm(mesh, lower(mesh)))


def envoy_documents(mesh: Mesh) -> list[Document]:
    """Of the sidecars only the first of each service: the others' differ in addresses."""
    selection = Selection(mesh)
    firsts = {selection.workloads(service)[0].name for service in mesh.services}
    others = {names.sidecar_node(w.name) for w in mesh.workloads if w.name not in firsts}
    kept = {node: s for node, s in snapshots_of(mesh).items() if node not in others}
    found = list(documents(kept))
    return [each for type_url in ENVOY_TYPES.values() for each in of_type(found, type_url)]


def of_type(found: Iterable[Document], type_url: str) -> list[Document]:
    return [document for document in found if document["resource"]["@type"] == type_url]


#: By dialect: the names of its cases, and what is emitted for one.
DIALECTS: Mapping[str, tuple[list[str], Callable[[str], list[Document]]]] = {
    "asm": ([case.name for case in CASES], lambda name: asm_documents(mesh_named(name))),
    "envoy": ([case.name for case in CASES], lambda name: envoy_documents(mesh_named(name))),
    "istio": (NAMES, lambda name: emitted_for_istio(mesh_named(name))),
    "gateway-api": (
        NAMES,
        lambda name: emitted_for_gateway_api(
            mesh_named(name), WITH_GATEWAY.get(name, GatewayOptions())
        ),
    ),
}


def golden_texts(dialect: str, name: str) -> dict[str, str]:
    """The text of each file of a case, by the file's name."""
    emitted = DIALECTS[dialect][1](name)
    if dialect == "envoy":
        return _envoy_texts(name, emitted)
    if name == FULL:
        return {f"{dialect}.yaml": dump_all(emitted)}
    return {f"{dialect}.txt": short_text(dialect, emitted)}


def _envoy_texts(name: str, emitted: list[Document]) -> dict[str, str]:
    """What equals the full case's resources of one type is not repeated."""
    by_type = {type_: of_type(emitted, url) for type_, url in ENVOY_TYPES.items()}
    if name == FULL:
        return {f"{type_}.yaml": dump_all(by_type[type_]) for type_ in by_type}
    full = DIALECTS["envoy"][1](FULL)
    text = ""
    for type_, found in by_type.items():
        same = found == of_type(full, ENVOY_TYPES[type_])
        text += f"{type_}: as in {FULL}\n" if same else short_text("envoy", found)
    return {"envoy.txt": text}


def short_text(dialect: str, emitted: Iterable[Document]) -> str:
    return "".join(f"{line}\n" for document in emitted for line in short_form(dialect, document))
