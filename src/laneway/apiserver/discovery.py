"""Discovery and OpenAPI documents, which tell clients the available resources.

Plain discovery suffices for kubectl and client libraries. kubectl validates by the OpenAPI
document, and asks for a dry run only where it declares ``dryRun``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from laneway.apiserver.resources import Served

_STATUS_VERBS = ("get", "patch", "update")
_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]
_METADATA = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}


def groups(resources: Sequence[Served]) -> dict[str, Any]:
    """``/apis``."""
    versions: dict[str, dict[str, None]] = {}
    for resource in resources:
        if resource.group:
            known = versions.setdefault(resource.group, {})
            known.update(dict.fromkeys(resource.kind.versions))
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, tuple(known)) for name, known in versions.items()],
    }


def group(name: str, resources: Sequence[Served]) -> dict[str, Any] | None:
    """``/apis/GROUP``."""
    found = [each for each in groups(resources)["groups"] if each["name"] == name]
    return {"kind": "APIGroup", "apiVersion": "v1", **found[0]} if found else None


def _group(name: str, versions: Sequence[str]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def core_versions(resources: Iterable[Served], address: str) -> dict[str, Any]:
    """``/api``. It must not list a version without resources."""
    versions = dict.fromkeys(v for r in resources if not r.group for v in r.kind.versions)
    return {
        "kind": "APIVersions",
        "versions": list(versions),
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_version(name: str, resources: Iterable[Served]) -> dict[str, Any] | None:
    """``/apis/GROUP/VERSION`` and ``/api/v1``."""
    found: list[dict[str, Any]] = []
    for resource in resources:
        if name in resource.kind.api_versions:
            found.append(_resource(resource))
            if resource.has_status:
                found.append(_status(resource))
    if not found:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": name,
        "resources": found,
    }


def _resource(resource: Served) -> dict[str, Any]:
    return {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind.name,
        "verbs": list(resource.verbs),
        **({"shortNames": list(resource.short_names)} if resource.short_names else {}),
        **({"categories": list(resource.categories)} if resource.categories else {}),
    }


def _status(resource: Served) -> dict[str, Any]:
    return {
        "name": f"{resource.plural}/status",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind.name,
        "verbs": list(_STATUS_VERBS),
    }


def openapi_index(resources: Iterable[Served], digest: str) -> dict[str, Any]:
    """``/openapi/v3``. The digest changes with the documents, so clients may cache them."""
    roots = dict.fromkeys(
        root(api_version) for each in resources for api_version in each.kind.api_versions
    )
    return {
        "paths": {
            path.lstrip("/"): {"serverRelativeURL": f"/openapi/v3{path}?hash={digest}"}
            for path in roots
        }
    }


def openapi(name: str, resources: Iterable[Served], version: str) -> dict[str, Any] | None:
    """``/openapi/v3/apis/GROUP/VERSION``: paths and schemas of one version of a group."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
            "type": "object",
            "description": "Kubernetes' ObjectMeta.",
            "x-kubernetes-preserve-unknown-fields": True,
        }
    }
    for resource in resources:
        if name in resource.kind.api_versions:
            schemas[_component(name, resource)] = _schema(name, resource)
            paths |= _paths(name, resource)
    if not paths:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "laneway", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def openapi_v2(version: str) -> dict[str, Any]:
    """``/openapi/v2``, without paths and definitions.

    kubectl (1.32 to 1.37, at least) asks for it where it does not validate by OpenAPI v3: for a
    ``kind: List``, and for kinds without PATCH. It leaves to the server what is not in there.
    """
    return {
        "swagger": "2.0",
        "info": {"title": "laneway", "version": version},
        "paths": {},
        "definitions": {},
    }


def openapi_v2_protobuf(version: str) -> bytes:
    """The same in protobuf, which is all that kubectl reads. ``version`` has fewer than 100 bytes.

    https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto: swagger is field 1, info
    is 2 (with title 1 and version 2), paths is 8.
    """
    info = _text_field(1, "laneway") + _text_field(2, version)
    return _text_field(1, "2.0") + bytes([2 << 3 | 2, len(info)]) + info + bytes([8 << 3 | 2, 0])


def _text_field(number: int, text: str) -> bytes:
    data = text.encode()
    assert len(data) < 100, "lengths are of one byte"
    return bytes([number << 3 | 2, len(data)]) + data


def root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _component(api_version: str, resource: Served) -> str:
    reverse = ".".join(reversed(resource.group.split("."))) if resource.group else "io.k8s.api.core"
    return f"{reverse}.{api_version.rpartition('/')[2]}.{resource.kind.name}"


def _identity(api_version: str, resource: Served) -> dict[str, str]:
    version = api_version.rpartition("/")[2]
    return {"group": resource.group, "version": version, "kind": resource.kind.name}


def _schema(api_version: str, resource: Served) -> dict[str, Any]:
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        **resource.schema["properties"],
        "metadata": {"allOf": [_METADATA]},
    }
    if "status" not in properties:
        properties["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        **resource.schema,
        "properties": properties,
        "x-kubernetes-group-version-kind": [_identity(api_version, resource)],
    }


def _paths(api_version: str, resource: Served) -> dict[str, Any]:
    """The operations, with one that is not served: kubectl looks at PATCH alone to learn whether
    the server validates fields. If there is none, it lists the CustomResourceDefinitions of the
    cluster instead, which few users may do, and creates nothing where that is forbidden."""
    reference = {"$ref": f"#/components/schemas/{_component(api_version, resource)}"}
    content = {"application/json": {"schema": reference}}
    where = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{root(api_version)}{where}/{resource.plural}"

    def operation(action: str, **more: Any) -> Mapping[str, Any]:
        return {
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _identity(api_version, resource),
            "responses": {"200": {"description": "OK", "content": content}},
            **more,
        }

    body = {"requestBody": {"content": content}, "parameters": _PARAMETERS}
    operations = {
        collection: {
            "list": ("get", operation("list")),
            "create": ("post", operation("post", **body)),
        },
        f"{collection}/{{name}}": {
            "get": ("get", operation("get")),
            "update": ("put", operation("put", **body)),
            "patch": ("patch", operation("patch", **body)),
            "delete": ("delete", operation("delete", parameters=_PARAMETERS)),
        },
    }
    paths = {
        path: dict(each for verb, each in by_verb.items() if verb in resource.verbs)
        for path, by_verb in operations.items()
    }
    if "create" in resource.verbs and "patch" not in resource.verbs:
        refused = {"405": {"description": "Method Not Allowed"}}
        paths[f"{collection}/{{name}}"]["patch"] = {
            **operation("patch", parameters=_PARAMETERS),
            "responses": refused,
        }
    return {path: operations for path, operations in paths.items() if operations}
