"""Rendering the Helm chart without Helm: the plain manifests are made so, and tests read it so.

The chart's templates keep to what this understands: ``{{ .Values.a.b }}`` and its like, piped into
``quote`` or ``default``, and ``toJson`` of one. So there is one source, and both installs agree.

    python deploy/charts.py        writes deploy/manifests/ anew
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "helm" / "laneway"
MANIFESTS = Path(__file__).parent / "manifests"
NAMESPACE = "laneway-system"

_HOLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")

_NAMESPACE: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": NAMESPACE,
        "labels": {
            "app.kubernetes.io/name": "laneway",
            "pod-security.kubernetes.io/enforce": "restricted",
        },
    },
}


class NotUnderstood(ValueError):
    """A template uses more of Helm's language than this renderer has."""


def render(values: Mapping[str, Any] | None = None, namespace: str = NAMESPACE) -> str:
    """The templates' text, with ``values`` laid over the chart's own."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    known = _laid_over(yaml.safe_load((CHART / "values.yaml").read_text()), values or {})
    context = {
        "Values": known,
        "Release": {"Namespace": namespace, "Name": "laneway"},
        "Chart": {name[0].upper() + name[1:]: value for name, value in chart.items()},
    }
    texts = [path.read_text().strip() for path in sorted((CHART / "templates").glob("*.yaml"))]
    return "\n---\n".join(_HOLE.sub(lambda hole: _fill(hole[1], context), text) for text in texts)


def documents(values: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    yield from (document for document in yaml.safe_load_all(render(values)) if document)


def _laid_over(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, Mapping)):
        return over
    return {**base, **{key: _laid_over(base.get(key), value) for key, value in over.items()}}


def _fill(expression: str, context: Mapping[str, Any]) -> str:
    first, *pipes = (part.strip() for part in expression.split("|"))
    if first.startswith("toJson "):
        return json.dumps(_look_up(first.removeprefix("toJson "), context))
    value = _look_up(first, context)
    for pipe in pipes:
        if pipe == "quote":
            value = json.dumps(str(value))
        elif pipe.startswith("default "):
            value = value or _look_up(pipe.removeprefix("default "), context)
        else:
            raise NotUnderstood(f"`{pipe}` in {{{{ {expression} }}}}")
    if isinstance(value, dict | list):
        raise NotUnderstood(f"{{{{ {expression} }}}} is not one value: write toJson before it")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _look_up(path: str, context: Mapping[str, Any]) -> Any:
    if not re.fullmatch(r"(\.\w+)+", path):
        raise NotUnderstood(f"`{path}`")
    value: Any = context
    for part in path[1:].split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise KeyError(f"{path}: there is no `{part}`")
        value = value[part]
    return value


def manifests() -> Mapping[str, str]:
    """The plain manifests, by file name, in the order of ``kubectl apply -f``."""
    crds = sorted((CHART / "crds").glob("*.yaml"))
    note = "# Generated from deploy/helm/laneway by deploy/charts.py. Do not edit.\n"
    namespace = yaml.safe_dump(dict(_NAMESPACE), sort_keys=False)
    files = {"00-crds.yaml": note + "---\n".join(path.read_text() for path in crds)}
    return {**files, "10-operator.yaml": f"{note}{namespace}---\n{render()}\n"}


if __name__ == "__main__":
    for name, text in manifests().items():
        (MANIFESTS / name).write_text(text)
