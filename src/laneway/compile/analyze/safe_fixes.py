"""Corrections that lead no request elsewhere: what a finding says is of no effect is removed.

They are JSON patches (RFC 6902) of the object that the finding is about. Each tests what it removes
first, so it fails where somebody has changed the object meanwhile. Whoever applies one still sees
the preview of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from laneway.compile.analyze.codes import Code
from laneway.model import codes
from laneway.model.findings import Finding, Path

#: Lists of a lane of which a finding without effect names an item.
_UNUSED_ITEMS = ("fallback", "sharesWorkloadsWith")
_RULES, _HOSTS = ("spec", "ingress"), "hosts"
_EVERY_HOST = ("*",)


def safe_fix(finding: Finding, manifest: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The patch of ``manifest``, the finding's object as it was declared; None if none is safe."""
    if finding.subject is None or finding.subject.kind != "Lane" or manifest["kind"] != "Lane":
        return None
    if not _is_removable(finding, manifest.get("spec") or {}):
        return None
    pointer = "".join(f"/{part}" for part in finding.path)
    value = _at(manifest, finding.path)
    return [
        {"op": "test", "path": pointer, "value": value},
        {"op": "remove", "path": pointer},
    ]


def fixes_of(
    findings: Iterable[Finding], manifests: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Finding, list[dict[str, Any]] | None]]:
    """Each finding with its fix. ``manifests`` are the objects that were analyzed, of all kinds."""
    lanes = {_full_name(each): each for each in manifests if each.get("kind") == "Lane"}
    for finding in findings:
        manifest = lanes.get(finding.subject.name) if finding.subject else None
        yield finding, None if manifest is None else safe_fix(finding, manifest)


def _full_name(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['spec'].get('group')}/{manifest['metadata'].get('name')}"


def _is_removable(finding: Finding, spec: Mapping[str, Any]) -> bool:
    path = finding.path
    if finding.code == codes.Code.NO_EFFECT:
        return len(path) == 3 and path[1] in _UNUSED_ITEMS and _at(spec, path[1:]) is not None
    # Not DUPLICATE_RULE: a rule with the same conditions may still let other requests enter.
    if finding.code != Code.SHADOWED_RULE:
        return False
    rules = spec.get("ingress") or []
    if path[:2] != _RULES or not _are_its_own(rules) or _at(spec, path[1:]) is None:
        return False
    if _at(spec, (*path[1:3], "enter")):
        return False  # requests may enter by it
    if len(path) == 3:
        return len(rules) > 1  # without any, the lane would take the rules of its group
    return len(path) == 5 and path[3] == _HOSTS and len(_hosts(_at(spec, path[1:3]))) > 1


def _are_its_own(rules: Sequence[Any]) -> bool:
    """A rule without hosts stands for rules of the group, and then positions are others."""
    return all(_hosts(rule) for rule in rules)


def _hosts(rule: Mapping[str, Any]) -> Sequence[str]:
    hosts: Sequence[str] = rule.get(_HOSTS, _EVERY_HOST)
    return hosts


def _at(value: Any, path: Path) -> Any:
    """None if there is nothing."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
