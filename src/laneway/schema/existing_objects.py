"""Reads routing objects of the user's own. Whatever else they hold is not looked at."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.model.existing_objects import ExistingObject
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName
from laneway.schema.documents import Document

#: The groups of the kinds that dialects generate.
_GROUPS = frozenset(["networking.istio.io", "gateway.networking.k8s.io", "istio.alibabacloud.com"])
#: Labels by which laneway, or ASM, made an object: it is to be replaced.
_GENERATED = (("app.kubernetes.io/managed-by", "laneway"), ("provider", "asm"))


def existing_object(document: Document) -> ExistingObject | None:
    """``None`` for objects of other groups, for those without a name, and for generated ones."""
    group = str(document.get("apiVersion")).rpartition("/")[0]
    kind, name = document.get("kind"), document.get("metadata", "name")
    namespace = document.get("metadata", "namespace") or DEFAULT_NAMESPACE
    if group not in _GROUPS or not isinstance(kind, str) or not isinstance(name, str):
        return None
    labels = document.get("metadata", "labels")
    if isinstance(labels, Mapping) and any(labels.get(key) == to for key, to in _GENERATED):
        return None
    host = document.get("spec", "host")
    return ExistingObject(
        group,
        kind,
        ObjectName(str(namespace), name),
        hosts=(host,) if isinstance(host, str) else _texts(document.get("spec", "hosts")),
        gateways=_texts(document.get("spec", "gateways")),
        export_to=_texts(document.get("spec", "exportTo")),
        subsets=_names(document.get("spec", "subsets")),
        selects=bool(document.get("spec", "workloadSelector")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _names(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return _texts([item.get("name") for item in items if isinstance(item, Mapping)])
