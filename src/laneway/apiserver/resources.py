"""The stored resources of the API: every kind that laneway reads, served as Kubernetes would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from laneway.apiserver.selectors import FIELDS
from laneway.apiserver.structure import Structure
from laneway.schema.crds import custom_resource_definitions
from laneway.schema.json_schema import STRUCTURAL, JsonSchema, field_schema
from laneway.schema.kind import Kind
from laneway.schema.registry import KINDS

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SHORT = {"Service": ("svc",), "Gateway": ("gw",)}
_CATEGORY = "laneway"
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_COLUMNS: Mapping[str, list[dict[str, str]]] = {
    "Workload": [
        {"name": "Address", "type": "string", "jsonPath": ".spec.address"},
        _AGE,
    ],
    "Gateway": [_AGE],
    "Service": [_AGE],
    "ASMSwimLaneGroup": [_AGE],
    "ASMSwimLane": [_AGE],
}
_PORTS = ("spec", "ports")
#: Parts of Kubernetes' own schemas that laneway's shapes leave out.
_BUILT_IN = {
    "Service": Structure(
        {_PORTS: {"port": None, "protocol": "TCP"}}, frozenset({("spec", "selector")})
    ),
}


class ServedKind(Protocol):
    @property
    def group(self) -> str: ...

    @property
    def versions(self) -> tuple[str, ...]: ...

    @property
    def name(self) -> str: ...

    @property
    def api_versions(self) -> tuple[str, ...]: ...


class Served(Protocol):
    """What discovery says about a resource, stored or virtual."""

    @property
    def kind(self) -> ServedKind: ...

    @property
    def plural(self) -> str: ...

    @property
    def namespaced(self) -> bool: ...

    @property
    def schema(self) -> JsonSchema: ...

    @property
    def columns(self) -> tuple[Mapping[str, str], ...]: ...

    @property
    def has_status(self) -> bool: ...

    @property
    def group(self) -> str: ...

    @property
    def qualified(self) -> str: ...

    @property
    def selectable(self) -> tuple[str, ...]:
        """The fields that field selectors may use."""
        ...

    @property
    def singular(self) -> str: ...

    @property
    def short_names(self) -> tuple[str, ...]: ...

    @property
    def categories(self) -> tuple[str, ...]: ...

    @property
    def verbs(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Resource:
    """``schema`` is structural; ``columns`` are those of a CustomResourceDefinition."""

    kind: Kind
    plural: str
    namespaced: bool
    schema: JsonSchema
    structure: Structure
    columns: tuple[Mapping[str, str], ...]
    has_status: bool

    @property
    def group(self) -> str:
        return self.kind.group

    @property
    def qualified(self) -> str:
        """The name in messages and revisions: ``lanes.laneway.dev``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        return self.kind.name.lower()

    @property
    def short_names(self) -> tuple[str, ...]:
        """The same short names as in clusters."""
        return _SHORT.get(self.kind.name, ())

    @property
    def verbs(self) -> tuple[str, ...]:
        return _VERBS

    @property
    def selectable(self) -> tuple[str, ...]:
        return FIELDS

    @property
    def categories(self) -> tuple[str, ...]:
        return (_CATEGORY,) if self.kind.group == "laneway.dev" else ()


def _defined() -> Mapping[str, dict[str, Any]]:
    return {
        definition["spec"]["names"]["kind"]: definition["spec"]["versions"][0]
        for definition in custom_resource_definitions()
    }


def _resource(kind: Kind, defined: Mapping[str, Any] | None) -> Resource:
    if defined is None:
        schema: JsonSchema = {
            "type": "object",
            "properties": {"spec": field_schema(kind.shape.model_fields["spec"], STRUCTURAL)},
        }
        columns = _COLUMNS[kind.name]
    else:
        schema = defined["schema"]["openAPIV3Schema"]
        columns = defined["additionalPrinterColumns"]
    structure = _BUILT_IN.get(kind.name, Structure.of(schema))
    plural = f"{kind.name.lower()}s"
    namespaced = kind.scope == ("metadata", "namespace")
    has_status = defined is not None
    return Resource(kind, plural, namespaced, schema, structure, tuple(columns), has_status)


def by_kind(resources: Iterable[Resource]) -> Mapping[tuple[str, str], Resource]:
    """All resources by ``apiVersion`` and ``kind``."""
    return {
        (api_version, resource.kind.name): resource
        for resource in resources
        for api_version in resource.kind.api_versions
    }


@cache
def served() -> tuple[Resource, ...]:
    """All resources, in the order of the kinds."""
    defined = _defined()
    return tuple(_resource(kind, defined.get(kind.name)) for kind in KINDS)
