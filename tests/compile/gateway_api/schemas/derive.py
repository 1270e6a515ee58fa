"""Gateway API's CRDs, as its repository has them -> the compact schemas beside this file.

python tests/compile/gateway_api/schemas/derive.py config/crd/standard/*.yaml
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

VERSIONS = {"Gateway": "v1", "HTTPRoute": "v1", "ReferenceGrant": "v1beta1"}


def derive(text: str) -> dict[str, dict[str, Any]]:
    """By kind, the schema of its ``spec``."""
    found: dict[str, dict[str, Any]] = {}
    for document in filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader)):
        kind = document["spec"].get("names", {}).get("kind")
        for version in document["spec"].get("versions", ()):
            if version["name"] == VERSIONS.get(kind):
                schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
                found[kind] = compact(schema)
    return found


def compact(schema: Any, names: bool = False) -> Any:
    """Without descriptions; ``names``: the keys are fields' names."""
    if isinstance(schema, list):
        return [compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: compact(value, names=key == "properties" and not names)
        for key, value in schema.items()
        if names or key != "description"
    }


if __name__ == "__main__":
    for file in sys.argv[1:]:
        for kind, schema in derive(Path(file).read_text(encoding="utf-8")).items():
            path = Path(__file__).with_name(f"{kind}.json")
            text = json.dumps(schema, sort_keys=True, separators=(",", ":"))
            path.write_text(f"{text}\n", encoding="utf-8")
