"""CustomResourceDefinitions of laneway's own kinds: what a cluster's API server knows of them.

Structural schemas, with rules (CEL) for what schemas cannot say, so that most mistakes are refused
when they are made. What concerns several objects stands in the status' condition Accepted.
The kinds' shapes proper are in ``schema``; a test holds the two together.

References are written short (``namespace/name``) or long (``{name, namespace}``). Structural
schemas know no union of the two, hence the fields of open shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

GROUP = "laneway.dev"
VERSION = "v1alpha1"

_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_HEADER = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_HEADER_SAID = "a header's name has only letters, digits and !#$%&'*+.^_`|~-"
_HOST = r"^(\*|(\*\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*)$"
_HOP_BY_HOP = (
    "'connection', 'content-length', 'host', 'keep-alive', 'proxy-authenticate', "
    "'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'"
)


def custom_resource_definitions() -> Iterator[dict[str, Any]]:
    """``LaneGroup`` and ``Lane``, which belong to no namespace: their services may be of many."""
    columns = [
        _column("Mode", "string", ".spec.mode"),
        _column("Route header", "string", ".spec.routeHeader"),
        _column("Baseline", "string", ".spec.baseline"),
        *_condition_columns(),
    ]
    yield _definition("LaneGroup", "lanegroups", _group_spec(), columns, _status())
    columns = [
        _column("Group", "string", ".spec.group"),
        _column("Weight", "integer", ".spec.weight"),
        *_condition_columns(),
    ]
    yield _definition("Lane", "lanes", _lane_spec(), columns, _status(services=True))


def _definition(
    kind: str, plural: str, spec: Schema, columns: list[Schema], status: Schema
) -> dict[str, Any]:
    # The rest of what makes a label, Kubernetes asks of every name.
    named = _rule(
        "!self.metadata.name.contains('.') && self.metadata.name.size() <= 63",
        "the name must be at most 63 of a-z, 0-9 and -: lanes travel by name in headers",
    )
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": [named],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "laneway"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "categories": ["laneway"],
            },
            "scope": "Cluster",
            "versions": [version],
        },
    }


def _column(name: str, kind: str, path: str) -> Schema:
    return {"name": name, "type": kind, "jsonPath": path}


def _condition_columns() -> list[Schema]:
    conditions = [
        _column(name, "string", f'.status.conditions[?(@.type=="{name}")].status')
        for name in ("Accepted", "Programmed", "Ready")
    ]
    return [*conditions, _column("Age", "date", ".metadata.creationTimestamp")]


def _rule(rule: str, message: str) -> Schema:
    return {"rule": rule, "message": message}


def _object(description: str, required: tuple[str, ...], **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def _list(description: str, items: Schema, most: int, least: int = 0) -> Schema:
    bounds = {"maxItems": most, **({"minItems": least} if least else {})}
    return {"type": "array", "description": description, "items": items, **bounds}


def _map(description: str, values: Schema, most: int, least: int = 0) -> Schema:
    bounds = {"maxProperties": most, **({"minProperties": least} if least else {})}
    return {
        "type": "object",
        "description": description,
        "additionalProperties": values,
        **bounds,
    }


def _enum(description: str, *values: str) -> Schema:
    return {"type": "string", "description": description, "enum": list(values)}


def _name(description: str) -> Schema:
    return {"type": "string", "description": description, "pattern": f"^{_LABEL}$"}


def _reference(description: str) -> Schema:
    """The pattern is for the short form, what is required for the long one."""
    return {
        "description": f"{description}: `name`, `namespace/name`, or `{{name, namespace}}`.",
        "x-kubernetes-preserve-unknown-fields": True,
        "pattern": f"^({_LABEL}/)?{_SUBDOMAIN}$",
        "required": ["name"],
    }


def _header(description: str, *rules: Schema) -> Schema:
    """By a rule, not a pattern, since a pattern that does not match says only itself."""
    schema = {"type": "string", "description": description, "minLength": 1, "maxLength": 256}
    named = _rule(f"self.matches({json.dumps(_HEADER)})", _HEADER_SAID)
    return {**schema, "x-kubernetes-validations": [named, *rules]}


def _traveling_header(description: str) -> Schema:
    rule = _rule(
        f"!(self.lowerAscii() in [{_HOP_BY_HOP}])",
        "this header belongs to one connection or message: no lane can travel on it",
    )
    return _header(description, rule)


def _match(description: str, *rules: Schema) -> Schema:
    text = {"type": "string", "minLength": 1, "maxLength": 1024}
    one = _rule(
        "[has(self.exact), has(self.prefix), has(self.regex)].filter(given, given).size() == 1",
        "needs exactly one of exact, prefix and regex",
    )
    schema = _object(description, (), exact=dict(text), prefix=dict(text), regex=dict(text))
    return {**schema, "x-kubernetes-validations": [one, *rules]}


def _uri() -> Schema:
    rules = [
        _rule(
            f"!has(self.{kind}) || (self.{kind}.startsWith('/') && "
            f"!self.{kind}.contains('?') && !self.{kind}.contains('#'))",
            "a path begins with / and holds neither a query nor a fragment",
        )
        for kind in ("exact", "prefix")
    ]
    return _match("The path, without its query; a regex (RE2) must match all of it.", *rules)


def _ingress(description: str) -> Schema:
    destination = {
        **_reference("The entry service; or `{service, port}` with one of its ports"),
        "required": ["service"],
    }
    host = {"type": "string", "pattern": _HOST, "maxLength": 253}
    method = {"type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Z-]+$", "maxLength": 64}
    rule = _object(
        "Which requests may enter: all conditions must hold.",
        ("name", "destination"),
        name=_name("Tells the rule apart."),
        hosts=_list("`*` and `*.example.com` too; any, if not given.", host, 64, 1),
        uri=_uri(),
        headers=_map("By name.", _match("Of one header."), 16),
        methods=_list("Any, if not given.", method, 16),
        query=_map("Query parameters, by name.", _match("Of one parameter."), 16),
        destination=destination,
        online={
            "type": "boolean",
            "description": "Whether the rule takes effect.",
            "default": True,
        },
    )
    return _list(description, rule, 64)


def _group_spec() -> Schema:
    sticky = _object(
        "What keeps a user in one lane while lanes are chosen by weight.",
        (),
        header=_header("The request header that tells users apart."),
        cookie={
            "type": "string",
            "minLength": 1,
            "maxLength": 256,
            "description": "The cookie that tells users apart.",
        },
    )
    one = _rule("has(self.header) != has(self.cookie)", "needs exactly one of header and cookie")
    return _object(
        "The services of a call chain, and how lanes among them work.",
        ("routeHeader", "services"),
        gateway=_reference("Istio's Gateway where requests enter"),
        mode={
            **_enum("Whether lanes fall back to the baseline.", "permissive", "strict"),
            "default": "permissive",
        },
        routeHeader=_traveling_header("Its value names the lane."),
        traceHeader=_traveling_header(
            "What applications pass on: the route header (default), a trace id, or `baggage`."
        ),
        baseline=_name("The lane that answers for others; the one created first, if not given."),
        serviceBaselines=_map(
            "Lanes that answer for single services, by `name` or `namespace/name`.",
            {"type": "string", "pattern": f"^{_LABEL}$"},
            256,
        ),
        unmatched={
            **_enum("What becomes of a request without a lane.", "baseline", "notFound"),
            "default": "baseline",
        },
        sticky={**sticky, "x-kubernetes-validations": [one]},
        ingress=_ingress("The rules of every lane that states none."),
        services=_list("All services of the call chain.", _reference("A service"), 1000, 1),
    )


def _lane_spec() -> Schema:
    value = {
        "type": "string",
        "maxLength": 63,
        "pattern": "^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$",
    }
    spec = _object(
        "Versions of some of a group's services.",
        ("group", "selector"),
        group=_name("The LaneGroup that the lane is of."),
        selector=_map("Labels of the lane's pods.", value, 16, 1),
        services=_list(
            "Those that the lane contains; all of the group's, if not given.",
            _reference("A service"),
            1000,
            1,
        ),
        ingress=_ingress("Which requests may enter the lane; the group's rules, if not given."),
        fallback=_list(
            "Lanes to try, in order, before the baseline.",
            {"type": "string", "pattern": f"^{_LABEL}$"},
            64,
        ),
        mode=_enum("Instead of the group's.", "permissive", "strict"),
        weight={
            "type": "integer",
            "description": "The percentage, of requests that name no lane, which enter this one.",
            "minimum": 0,
            "maximum": 100,
            "default": 0,
        },
    )
    strict = _rule(
        "!(has(self.mode) && self.mode == 'strict' && has(self.fallback) && "
        "self.fallback.size() > 0)",
        "a strict lane never falls back",
    )
    return {**spec, "x-kubernetes-validations": [strict]}


def _status(services: bool = False) -> Schema:
    text = {"type": "string"}
    number = {"type": "integer", "format": "int64", "minimum": 0}
    condition = _object(
        "As Kubernetes' own.",
        ("type", "status", "reason", "message", "lastTransitionTime"),
        type={"type": "string", "maxLength": 316},
        status=_enum("", "True", "False", "Unknown"),
        reason={"type": "string", "maxLength": 1024},
        message={"type": "string", "maxLength": 32768},
        observedGeneration=dict(number),
        lastTransitionTime={"type": "string", "format": "date-time"},
    )
    conditions = {
        **_list("Accepted, Programmed and Ready.", condition, 8),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    properties: Schema = {"observedGeneration": dict(number), "conditions": conditions}
    if services:
        one = _object(
            "Of one service: how many of the lane's pods there are, and are ready.",
            ("namespace", "name", "ready", "total"),
            namespace=dict(text),
            name=dict(text),
            ready=dict(number),
            total=dict(number),
        )
        properties["services"] = {**_list("The lane's services.", one, 1000)}
    return _object("What laneway's operator has made of it.", (), **properties)
