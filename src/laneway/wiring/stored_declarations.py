"""What the objects in the store declare, and which of them the mesh did not take. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from laneway.control.declared import Declaration, Put, Remove, Writes
from laneway.control.declared.planning import NOT_PROGRAMMED
from laneway.control.revisions import Manifest, ObjectId, StoredObject
from laneway.model.findings import Finding, ObjectKey, Severity, Source
from laneway.operator.recorded_baselines import recorded_baseline
from laneway.schema import Alone, Document, read_alone

#: The source of all that the store holds.
STORE = "store"
_READ = ("apiVersion", "kind", "spec")
_METADATA = ("name", "namespace", "labels", "annotations")
#: As statuses write NOT_PROGRAMMED.
_NOT_PROGRAMMED = "NotProgrammed"


def declaration(key: ObjectId, manifest: Manifest) -> Declaration | None:
    """What an object in the store declares; None if that is nothing, or it cannot be read."""
    return Declaration.read(read_stored(key, manifest))


def errors_of(key: ObjectId, manifest: Manifest) -> tuple[Finding, ...]:
    """Why an object in the store cannot be read, as after an upgrade that changed its kind."""
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
    """All that the store holds, in the order of creation, which stores keep.

    What the mesh did not take is not tried again before it is written again: proxies that have just
    started have nothing to go on with when they reject it.
    """
    edits = (
        edit
        for key, stored in objects.items()
        for edit in edits_between(key, None, stored.manifest, ())
    )
    return Writes(STORE, tuple(edits), failed=not_taken(objects))


def not_taken(objects: Mapping[ObjectId, StoredObject]) -> dict[ObjectKey, Finding]:
    """The objects that could not be brought about when they were written, says their status."""
    found: dict[ObjectKey, Finding] = {}
    for key, stored in objects.items():
        message = _why_not_taken(stored.manifest)
        declared = declaration(key, stored.manifest) if message is not None else None
        if declared is not None:
            found[declared.key] = Finding(NOT_PROGRAMMED, message or "", subject=declared.key)
    return found


def _why_not_taken(manifest: Manifest) -> str | None:
    """None for what was taken, or has been written since."""
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
    """What became of an object, for a state that knows these. A lane may have changed its group."""
    now = declaration(key, after) if after is not None else None
    was = declaration(key, before) if before is not None else None
    moved = was is not None and (now is None or now.key != was.key or _uid(before) != _uid(after))
    if was is not None and moved and was.key in known:
        yield Remove(was.key)
    if now is not None:
        assert after is not None
        yield Put(now, recorded_baseline=recorded_baseline(after))


def _uid(manifest: Manifest | None) -> object:
    """Another one is of an object that was deleted and created again."""
    return manifest["metadata"].get("uid") if manifest is not None else None
