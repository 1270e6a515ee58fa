"""Which documents are none of laneway's: they are passed over with a warning, so that a folder of a
whole application's manifests can be given as it is.

A misspelt group or kind of laneway's own must not pass for a foreign one: then a lane would be
missing, and nothing would fail.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from itertools import islice

from laneway.model.suggestions import nearest

#: Other kinds of Kubernetes' core group, which is complete.
_CORE_KINDS = frozenset(
    "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume"
    " PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret"
    " ServiceAccount".split()
)
#: Kinds that are near in spelling to one that laneway reads.
_NEAR = {"istio.alibabacloud.com": frozenset(["ASMSwimLaneV2"])}
_OWN = "laneway"
#: How alike (difflib's ratio) a group is to one that it is a misspelling of. ``lane.dev`` is as
#: unlike ``laneway.dev`` as a misspelling may be; ``gateway.dev`` is not one.
_MISSPELT = 0.83

_KUSTOMIZE = "to read what it builds: kubectl kustomize FOLDER | laneway ... -f -"
_HELM = "to read what the chart makes: helm template CHART | laneway ... -f -"
#: Files of an application's folder that hold no object, and what to do with them.
_TOOLS_FILES = {
    "kustomization.yaml": _KUSTOMIZE,
    "kustomization.yml": _KUSTOMIZE,
    "Chart.yaml": _HELM,
    "values.yaml": _HELM,
}
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"
#: No object has more fields beside its ``spec``.
_MOST_FIELDS = 50
_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")


def is_foreign(group: str, kind: str, read: Mapping[str, Collection[str]]) -> bool:
    """Whether a kind is somebody else's; ``read`` are the kinds that laneway reads, by group.

    ``group`` is the API group of a well-formed ``apiVersion``; "" is Kubernetes' core.
    """
    if group == "":
        return kind in _CORE_KINDS
    if group in read:
        return _OWN not in group and _is_another(group, kind, read[group])
    if group.endswith(".k8s.io"):
        return True
    named_alike = any(kind in kinds for kinds in read.values())
    if named_alike and ("." not in group or _is_distinctive(kind, read)):
        return False
    return _OWN not in group and not _is_misspelt(group, read)


def _is_another(group: str, kind: str, kinds: Collection[str]) -> bool:
    return kind in _NEAR.get(group, ()) or (kind not in kinds and nearest(kind, kinds) is None)


def _is_distinctive(kind: str, read: Mapping[str, Collection[str]]) -> bool:
    """Whether only lanes are called so: others have a Service, a Gateway or a Workload, too."""
    return "Lane" in kind and any(kind in kinds for kinds in read.values())


def _is_misspelt(group: str, read: Mapping[str, Collection[str]]) -> bool:
    if len(group) > 253:  # longer than any group may be
        return False
    folded = group.lower()
    return any(
        difflib.SequenceMatcher(None, folded, each, autojunk=False).ratio() >= _MISSPELT
        for each in read
        if each
    )


def what_to_do_with(file: str, data: object) -> str | None:
    """For a document that has no ``apiVersion`` and ``kind``: what to do with it instead.

    ``None`` if it should have them. Empty if there is nothing to do.
    """
    name = file.rpartition("/")[2]
    if name in _TOOLS_FILES:
        return _TOOLS_FILES[name]
    if isinstance(data, list):
        return "" if _is_json_patch(data) else None
    if not isinstance(data, Mapping):
        return None
    keys = [str(key) for key in islice(data, _MOST_FIELDS)]
    return None if any(nearest(key, _ENVELOPE) for key in keys) else ""


def _is_json_patch(data: list[object]) -> bool:
    """Whether it is a patch of kustomize's: operations on paths (RFC 6902)."""
    return bool(data) and all(isinstance(e, Mapping) and {"op", "path"} <= e.keys() for e in data)


def fix_for(group: str, kind: str, kinds: Mapping[str, str]) -> str:
    """What to do instead about a kind that is passed over. ``kinds`` are those read: name ->
    apiVersion."""
    if group == KUSTOMIZE_GROUP:
        return _KUSTOMIZE
    return f"laneway reads {kind} of {kinds[kind]}" if kind in kinds else ""
