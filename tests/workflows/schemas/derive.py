"""CRDs and an API server's OpenAPI documents -> the compact schemas beside this file.

python tests/workflows/schemas/derive.py CRD_FILE...      schemas of their kinds' newest version
python tests/workflows/schemas/derive.py OPENAPI_FILE...  schemas of built-in kinds
    (what ``kubectl get --raw`` prints of /openapi/v3/api/v1 and /openapi/v3/apis/GROUP/v1)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tests.compile.istio.schemas.derive import compact

KINDS = {
    "ClusterRole": "io.k8s.api.rbac.v1.ClusterRole",
    "ClusterRoleBinding": "io.k8s.api.rbac.v1.ClusterRoleBinding",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "Namespace": "io.k8s.api.core.v1.Namespace",
    "PodTemplateSpec": "io.k8s.api.core.v1.PodTemplateSpec",
    "Role": "io.k8s.api.rbac.v1.Role",
    "RoleBinding": "io.k8s.api.rbac.v1.RoleBinding",
    "Service": "io.k8s.api.core.v1.Service",
    "ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
}
#: What the examples do not use, and would be most of the file.
OMITTED = {"job", "template", "experiment", "trafficRouting", "volumes", "ephemeralContainers"}


def custom(text: str) -> Iterator[tuple[str, Any]]:
    for document in filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader)):
        (version,) = (v for v in document["spec"]["versions"] if v["storage"])
        schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        kind, group = document["spec"]["names"]["kind"], document["spec"]["group"]
        yield f"{kind}.{version['name']}.{group}", {"properties": {"spec": opened(compact(schema))}}


def opened(schema: Any) -> Any:
    """Anything where the schema of an omitted field stood."""
    if isinstance(schema, list):
        return [opened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    fields = schema.get("properties")
    found = {key: opened(value) for key, value in schema.items() if key != "properties"}
    if isinstance(fields, dict):
        found["properties"] = {
            name: {} if name in OMITTED else opened(field) for name, field in fields.items()
        }
    return found


def built_in(documents: list[dict[str, Any]]) -> Any:
    """``$defs`` of the kinds and of all that they refer to."""
    known: dict[str, Any] = {}
    for document in documents:
        known |= document["components"]["schemas"]
    needed, reached = list(KINDS.values()), {}
    while needed:
        name = needed.pop()
        if name in reached or name not in known:
            continue
        reached[name] = opened(compact(known[name]))
        needed += _references(reached[name])
    text = json.dumps({"kinds": KINDS, "$defs": reached})
    return json.loads(text.replace("#/components/schemas/", "#/$defs/"))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.removeprefix("#/components/schemas/")
            else:
                yield from _references(value)


def write(name: str, schema: Any) -> None:
    text = json.dumps(schema, sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name(f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[1:]]
    if '"openapi"' in texts[0][:100]:
        write("kubernetes", built_in([json.loads(text) for text in texts]))
    else:
        for text in texts:
            for name, schema in custom(text):
                write(name, schema)
