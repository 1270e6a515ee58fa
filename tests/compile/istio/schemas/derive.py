"""Istio's CRDs, as its charts have them -> the compact schemas beside this file.

python tests/compile/istio/schemas/derive.py crd-all.gen.yaml
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

VERSIONS = {
    "DestinationRule": "v1",
    "EnvoyFilter": "v1alpha3",
    "Gateway": "v1",
    "VirtualService": "v1",
}


def derive(text: str) -> dict[str, dict[str, Any]]:
    """By kind, the schema of its ``spec``."""
    found: dict[str, dict[str, Any]] = {}
    for document in filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader)):
        kind = document["spec"]["names"]["kind"]
        for version in document["spec"]["versions"]:
            if version["name"] == VERSIONS.get(kind):
                schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
                found[kind] = compact(schema)
    return found


def compact(schema: Any, names: bool = False) -> Any:
    """Without what no validator of JSON Schema reads; ``names``: the keys are fields' names."""
    if isinstance(schema, list):
        return [compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: compact(value, names=key == "properties" and not names)
        for key, value in schema.items()
        if names or key not in ("description", "x-kubernetes-validations", "default")
    }


if __name__ == "__main__":
    for kind, schema in derive(Path(sys.argv[1]).read_text(encoding="utf-8")).items():
        path = Path(__file__).with_name(f"{kind}.json")
        text = json.dumps(schema, sort_keys=True, separators=(",", ":"))
        path.write_text(f"{text}\n", encoding="utf-8")
