"""The owners of an object's fields: ``metadata.managedFields``, and server-side apply.

The rules are Kubernetes' (https://kubernetes.io/docs/reference/using-api/server-side-apply/). A
manager that applies an object owns the fields in it. If another manager applies a different value
for one of them, that is a conflict, unless it is forced. A field that its manager no longer applies
is removed if it has no other owner. Other writes take over the fields that they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laneway.apiserver import field_paths
from laneway.apiserver.field_paths import FieldPath, fields
from laneway.apiserver.structure import Place, Structure, copied

Manifest = Mapping[str, Any]

APPLY, UPDATE = "Apply", "Update"
#: Owns the fields of an object without owners as soon as somebody applies it.
_BEFORE_FIRST_APPLY = "before-first-apply"


@dataclass(frozen=True, slots=True, order=True)
class Manager:
    """A field manager. As in Kubernetes, applying and updating under the same name count as two
    managers."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """``time`` is when the manager last changed something (RFC 3339)."""

    paths: frozenset[FieldPath]
    time: str


Owners = Mapping[Manager, Owned]


@dataclass(frozen=True, slots=True, order=True)
class Conflict:
    """``manager`` owns ``path``, and the applied object has a different value there."""

    manager: Manager
    path: FieldPath

    @property
    def field(self) -> str:
        return field_paths.shown(self.path)

    @property
    def owner(self) -> str:
        """The manager in the words of Kubernetes: one that updates also has a version."""
        words = f'"{self.manager.name}"'
        if self.manager.subresource:
            words += f' with subresource "{self.manager.subresource}"'
        if self.manager.operation == UPDATE:
            words += f" using {self.manager.api_version}"
        return words

    def __str__(self) -> str:
        return f"conflict with {self.owner}: {self.field}"


class Conflicts(Exception):
    """Its text is that of Kubernetes: several conflicts are listed by their owners."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__(_listed(conflicts))
        self.conflicts = tuple(conflicts)


def _listed(conflicts: Sequence[Conflict]) -> str:
    if len(conflicts) == 1:
        return str(conflicts[0])
    fields: dict[str, list[str]] = {}
    for conflict in conflicts:
        fields.setdefault(conflict.owner, []).append(f"- {conflict.field}")
    return "\n".join(
        "\n".join([f"conflicts with {owner}:", *theirs]) for owner, theirs in fields.items()
    )


def apply(
    live: Manifest | None,
    applied: Manifest,
    by: Manager,
    structure: Structure,
    *,
    force: bool,
    now: str,
) -> dict[str, Any]:
    """The object after a server-side apply. Raises ``Conflicts`` unless ``force``."""
    applied = without_managed_fields(applied)
    before = live or {}
    standing, wanted = fields(before, structure), fields(applied, structure)
    owners = dict(owners_of(before))
    if live is not None and not owners:
        unowned = Manager(_BEFORE_FIRST_APPLY, UPDATE, by.api_version)
        owners[unowned] = Owned(frozenset(standing), now)
    conflicts = [
        Conflict(manager, path)
        for manager, owned in sorted(owners.items())
        if manager != by
        for path in sorted(owned.paths & wanted.keys())
        if standing.get(path) != wanted[path]
    ]
    if conflicts and not force:
        raise Conflicts(conflicts)
    for conflict in conflicts:
        owners[conflict.manager] = _less(owners[conflict.manager], {conflict.path})
    dropped = (owners[by].paths if by in owners else frozenset()) - wanted.keys()
    others = {path for m, owned in owners.items() if m != by for path in owned.paths}
    result = merged(before, applied, structure)
    _remove(result, dropped - _with_parents(others | wanted.keys()), structure)
    owned = Owned(frozenset(wanted), now)
    if by in owners and owners[by].paths == owned.paths and _same(before, result):
        owned = owners[by]  # nothing changed, so the time stays
    return with_owners(result, {**owners, by: owned})


def update(
    live: Manifest | None,
    changed: Manifest,
    by: Manager,
    structure: Structure,
    *,
    now: str,
    stated: Owners | None = None,
) -> dict[str, Any]:
    """The object after any other write. ``by`` owns the fields that it set; nobody owns those that
    it removed. ``stated`` are the owners that the write itself declares."""
    before = live or {}
    standing, wanted = fields(before, structure), fields(changed, structure)
    set_by = {p for p, value in wanted.items() if p not in standing or standing[p] != value}
    owners = {
        manager: _less(owned, set_by | (owned.paths - wanted.keys()))
        for manager, owned in (owners_of(before) if stated is None else stated).items()
    }
    if set_by:
        kept = owners[by].paths if by in owners else frozenset()
        owners[by] = Owned(kept | set_by, now)
    return with_owners(copied(changed), owners)


def owners_of(manifest: Manifest) -> Owners:
    entries = (manifest.get("metadata") or {}).get("managedFields") or ()
    return {
        Manager(
            entry["manager"],
            entry["operation"],
            entry["apiVersion"],
            entry.get("subresource", ""),
        ): Owned(field_paths.read(entry["fieldsV1"]), entry["time"])
        for entry in entries
    }


def stated_owners(entries: Any) -> Owners | None:
    """The owners that a client declares in ``managedFields``; None where it declares none that
    can be read, so that they stay as they are. One empty entry removes all owners.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#clearing-managedfields
    """
    if entries == [{}]:
        return {}
    if not entries or not isinstance(entries, list) or not all(map(_is_entry, entries)):
        return None
    return owners_of({"metadata": {"managedFields": entries}})


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or entry.get("operation") not in (APPLY, UPDATE):
        return False
    texts = (entry.get(name) for name in ("manager", "apiVersion", "time"))
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(entry.get("subresource", ""), str)
        and field_paths.is_readable(entry.get("fieldsV1"))
    )


def with_owners(manifest: Manifest, owners: Owners) -> dict[str, Any]:
    entries = [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": field_paths.written(owned.paths),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, owned in sorted(owners.items())
        if owned.paths
    ]
    metadata = without_managed_fields(manifest)["metadata"]
    return {**manifest, "metadata": {**metadata, **({"managedFields": entries} if entries else {})}}


def merged(before: Any, applied: Any, structure: Structure, place: Place = ()) -> Any:
    """``applied`` over ``before``: objects by field, lists with keys by item, others as a whole."""
    if (
        isinstance(before, Mapping)
        and isinstance(applied, Mapping)
        and place not in structure.atomic
    ):
        return {
            **copied(before),
            **{
                name: merged(before.get(name), value, structure, (*place, name))
                for name, value in applied.items()
            },
        }
    lists = isinstance(before, list) and isinstance(applied, list)
    if lists and all(structure.is_split(place, each) for each in (before, applied)):
        return _merged_items(before, applied, structure, place)
    return copied(applied)


def _merged_items(
    before: Sequence[Any], applied: Sequence[Any], structure: Structure, place: Place
) -> list[Any]:
    """Existing items keep their order, and new items follow."""
    items = {_key(item, structure, place): copied(item) for item in before}
    for item in applied:
        key = _key(item, structure, place)
        items[key] = merged(items.get(key), item, structure, (*place, "*"))
    return list(items.values())


def _key(item: Any, structure: Structure, place: Place) -> str:
    return field_paths.item_element(structure.item_keys(place, item) or {})


def _remove(manifest: dict[str, Any], paths: Iterable[FieldPath], structure: Structure) -> None:
    # An item of a list before its fields, by some of which it is found.
    for path in sorted(paths, key=len):
        _remove_one(manifest, path, structure)


def _remove_one(manifest: dict[str, Any], path: FieldPath, structure: Structure) -> None:
    trail: list[tuple[Any, Any]] = []
    value: Any = manifest
    place: Place = ()
    for element in path:
        if element.startswith("f:") and isinstance(value, dict) and element[2:] in value:
            trail.append((value, element[2:]))
            value, place = value[element[2:]], (*place, element[2:])
        elif element.startswith("k:") and isinstance(value, list):
            keys = [_key(item, structure, place) for item in value]
            if element not in keys:
                return
            trail.append((value, keys.index(element)))
            value, place = value[keys.index(element)], (*place, "*")
        else:
            return
    container, position = trail.pop()
    if position in structure.keyed.get(place[:-2], ()):
        return  # the item stays, and is known by this
    del container[position]
    # An object without any field is removed, too, as if it had never been written.
    while trail and container == {}:
        outer, position = trail.pop()
        if isinstance(outer, list):
            return
        del outer[position]
        container = outer


def _with_parents(paths: Iterable[FieldPath]) -> frozenset[FieldPath]:
    return frozenset(path[:depth] for path in paths for depth in range(1, len(path) + 1))


def _less(owned: Owned, paths: Iterable[FieldPath]) -> Owned:
    return Owned(owned.paths - frozenset(paths), owned.time)


def _same(before: Manifest, after: Manifest) -> bool:
    return without_managed_fields(before) == without_managed_fields(after)


def without_managed_fields(manifest: Manifest) -> dict[str, Any]:
    """The object without the owners of its fields."""
    metadata = dict(manifest.get("metadata") or {})
    metadata.pop("managedFields", None)
    return {**manifest, "metadata": metadata}
