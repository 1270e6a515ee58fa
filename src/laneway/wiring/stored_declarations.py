"""The declarations of stored objects, and which of them the mesh did not accept. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from laneway.control.declared import Declaration, Put, Remove, Writes
from laneway.control.declared.planning import NOT_PROGRAMMED
from laneway.control.revisions import Manifest, ObjectId, StoredObject
from laneway.model.findings import Finding, ObjectKey, Severity, Source
from laneway.operator.recorded_baselines import recorded_baseline
from laneway.schema import Alone, Document, read_alone

#: The source of all stored objects.
STORE = "store"
_READ = ("apiVersion", "kind", "spec")
_METADATA = ("name", "namespace", "labels", "annotations")
#: How the reason NOT_PROGRAMMED is written in statuses.
_NOT_PROGRAMMED = "NotProgrammed"


def declaration(key: ObjectId, manifest: Manifest) -> Declaration | None:
    """The declaration of a stored object; None if it has none or cannot be read."""
    return Declaration.read(read_stored(key, manifest))


def errors_of(key: ObjectId, manifest: Manifest) -> tuple[Finding, ...]:
    """The reasons why a stored object cannot be read, for instance after an upgrade that changed
    its kind."""
    return errors_in(read_stored(key, manifest))


def errors_in(read: Alone) -> tuple[Finding, ...]:
    if read.declared is not None:
        return ()
    return tuple(each for each in read.findings if each.severity is Severity.ERROR)


def read_stored(key: ObjectId, manifest: Manifest) -> Alone:
    metadata = {name: manifest["metadata"].get(name) for name in _METADATA}
    written = {name: manifest[name] for name in _READ if name in manifest}
    written["metadata"] = {name: value for name, value in metadata.items() if value}
    return read_alone(Document(written, Source(str(key), None)))


def declared_at_start(objects: Mapping[ObjectId, StoredObject]) -> Writes:
    """All declarations of the store, in the order of creation.

    Objects that the mesh did not accept are not tried again until they are written again: a proxy
    that has just started, and rejects them, has no earlier configuration to fall back on.
    """
    edits = (
        edit
        for key, stored in objects.items()
        for edit in edits_between(key, None, stored.manifest, ())
    )
    return Writes(STORE, tuple(edits), failed=not_taken(objects))


def not_taken(objects: Mapping[ObjectId, StoredObject]) -> dict[ObjectKey, Finding]:
    """The objects that, by their statuses, could not be programmed when they were written."""
    found: dict[ObjectKey, Finding] = {}
    for key, stored in objects.items():
        message = _why_not_taken(stored.manifest)
        declared = declaration(key, stored.manifest) if message is not None else None
        if declared is not None:
            found[declared.key] = Finding(NOT_PROGRAMMED, message or "", subject=declared.key)
    return found


def _why_not_taken(manifest: Manifest) -> str | None:
    """None for objects that were accepted, or have been written since."""
    status = manifest.get("status") or {}
    if status.get("observedGeneration") != manifest["metadata"].get("generation"):
        return None
    for condition in status.get("conditions") or ():
        if condition["type"] == "Accepted" and condition["reason"] == _NOT_PROGRAMMED:
            return str(condition["message"])
    return None


def edits_between(
    key: ObjectId, before: Manifest | None, after: Manifest | None, known: Container[ObjectKey]
) -> Iterator[Put | Remove]:
    """The edits that lead from one manifest of an object to the next, in a state with the objects
    ``known``. A lane may have changed its group."""
    now = declaration(key, after) if after is not None else None
    was = declaration(key, before) if before is not None else None
    moved = was is not None and (now is None or now.key != was.key or _uid(before) != _uid(after))
    if was is not None and moved and was.key in known:
        yield Remove(was.key)
    if now is not None:
        assert after is not None
        yield Put(now, recorded_baseline=recorded_baseline(after))


def _uid(manifest: Manifest | None) -> object:
    """It differs if the object was deleted and created again."""
    return manifest["metadata"].get("uid") if manifest is not None else None
