"""Computes the object that results from a write, with the metadata that the server fills in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laneway.apiserver import field_ownership
from laneway.apiserver.failures import Failure
from laneway.apiserver.field_ownership import Conflicts, Manager, Owners, stated_owners
from laneway.apiserver.object_metadata import SERVER_FIELDS
from laneway.apiserver.patches import APPLY, patched
from laneway.apiserver.resources import Resource
from laneway.apiserver.validation import Valid, validated, validated_status, with_item_defaults
from laneway.control.revisions import Manifest, StoredObject

STATUS = "status"
#: https://kubernetes.io/docs/reference/using-api/api-concepts/#generated-values: the ending of a
#: generated name has no vowels, so that it makes no words. A lane's name has at most 63 characters.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_ENDING = 5
_LONGEST_PREFIX = 63 - _ENDING
#: Bytes of an object: as many as a request may have. Patches could add to an object without end.
_MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Write:
    """A request to write one object. ``now`` is in RFC 3339; ``uid`` is for a new object.

    ``namespace`` and ``name`` are those of the URL; ``name`` is "" for a creation.
    """

    resource: Resource
    namespace: str
    name: str
    manager: str
    now: str
    uid: str
    api_version: str
    validation: str = "Warn"
    force: bool = False
    subresource: str = ""


def created(write: Write, body: Manifest) -> Valid:
    manifest = _checked(write, _named(body, write.uid))
    return _owned(write, None, _validated(write, None, _fresh(write, None, manifest)))


def replaced(write: Write, live: StoredObject, body: Manifest) -> Valid:
    manifest = _checked(write, body)
    _check_version(write, live, manifest)
    return _changed(write, live, manifest)


def patch(write: Write, live: StoredObject | None, kind: str, body: Any) -> Valid:
    """``kind`` is the content type. Raises ``Failure``; server-side apply also creates."""
    if kind == APPLY:
        return _applied(write, live, body)
    if live is None:
        raise not_found(write)
    manifest = _checked(write, patched(kind, shown(live), body, write.resource.structure))
    _check_version(write, live, manifest)
    return _changed(write, live, manifest)


def _changed(write: Write, live: StoredObject, manifest: Manifest) -> Valid:
    fresh = _fresh(write, live.manifest, manifest)
    stated = stated_owners(manifest["metadata"].get("managedFields"))
    if write.subresource == STATUS:
        valid = validated_status(write.resource, fresh, write.validation)
    else:
        valid = _validated(write, live.manifest, fresh)
    return _owned(write, live.manifest, valid, stated)


def _applied(write: Write, live: StoredObject | None, body: Any) -> Valid:
    if not write.manager:
        raise Failure(
            422,
            "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for "
            "apply patch",
        )
    if not isinstance(body, Mapping):
        raise Failure(400, "the applied configuration is not an object")
    wanted = _checked(write, body)
    if wanted["metadata"].get("managedFields") is not None:
        raise Failure(400, "metadata.managedFields must be nil")
    if live is not None:
        _check_version(write, live, wanted)
    elif write.subresource:
        raise not_found(write)
    by = Manager(write.manager, field_ownership.APPLY, write.api_version, write.subresource)
    before = live.manifest if live else None
    wanted = _applicable(write, wanted)
    # Lists have one owner as a whole, including the defaults that the server fills in.
    wanted = with_item_defaults(wanted, write.resource.schema)
    try:
        merged = field_ownership.apply(
            before, wanted, by, write.resource.structure, force=write.force, now=write.now
        )
    except Conflicts as error:
        raise _conflicts(error) from error
    fresh = _fresh(write, before, merged)
    owners = merged["metadata"]["managedFields"]
    fresh["metadata"] = {**fresh["metadata"], "managedFields": owners}
    if write.subresource == STATUS:
        return validated_status(write.resource, fresh, write.validation)
    return _validated(write, before, fresh)


def _applicable(write: Write, wanted: Manifest) -> dict[str, Any]:
    """The part of an applied configuration that counts at this URL: the status at ``/status``, and
    everything else elsewhere."""
    if write.subresource == STATUS:
        names = {name: wanted["metadata"].get(name) for name in ("name", "namespace")}
        kept = {"status": wanted["status"]} if isinstance(wanted.get("status"), Mapping) else {}
        return {**{k: wanted[k] for k in ("apiVersion", "kind")}, "metadata": names, **kept}
    metadata = _without_server_fields(wanted["metadata"])
    return {**{k: v for k, v in wanted.items() if k != STATUS}, "metadata": metadata}


def _validated(write: Write, before: Manifest | None, manifest: Manifest) -> Valid:
    """The generation counts changes of what is declared, defaults included."""
    valid = validated(write.resource, manifest, write.validation)
    if before is None:
        generation = 1
    else:
        changed = before.get("spec") != valid.manifest.get("spec")
        generation = before["metadata"]["generation"] + (1 if changed else 0)
    valid.manifest["metadata"]["generation"] = generation
    return valid


def _owned(
    write: Write, before: Manifest | None, valid: Valid, stated: Owners | None = None
) -> Valid:
    by = Manager(
        write.manager or "unknown", field_ownership.UPDATE, write.api_version, write.subresource
    )
    manifest = field_ownership.update(
        before, valid.manifest, by, write.resource.structure, now=write.now, stated=stated
    )
    return Valid(manifest, valid.warnings)


def _named(body: Any, uid: str) -> Any:
    """The body with a name of its own if it has only ``generateName``."""
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    if not isinstance(metadata, Mapping) or metadata.get("name"):
        return body
    prefix = metadata.get("generateName")
    if not isinstance(prefix, str) or not prefix:
        return body
    digest = hashlib.sha256(uid.encode()).digest()
    ending = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_ENDING])
    return {**body, "metadata": {**metadata, "name": prefix[:_LONGEST_PREFIX] + ending}}


def _checked(write: Write, body: Any) -> dict[str, Any]:
    """The body, if it is an object of this resource and name. Raises ``Failure``."""
    if not isinstance(body, Mapping) or not isinstance(body.get("metadata", {}), Mapping):
        raise Failure(400, "the body is not an object with metadata")
    kind = write.resource.kind
    if body.get("apiVersion") != write.api_version:
        given = body.get("apiVersion")
        raise Failure(400, f"apiVersion is {given!r}, and must be {write.api_version!r} here")
    if body.get("kind") != kind.name:
        raise _wrong_kind(write, body.get("kind"))
    metadata = dict(body.get("metadata") or {})
    for field, right in (("name", write.name), ("namespace", write.namespace)):
        given = metadata.get(field)
        if right and given and given != right:
            raise Failure(
                400, f"the {field} of the object ({given}) is not the one in the URL ({right})"
            )
        if right:
            metadata[field] = right
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise Failure(
            422,
            f'{kind.name} "" is invalid: metadata.name: Required value: '
            "name or generateName is required",
            causes=[{"reason": "FieldValueRequired", "field": "metadata.name", "message": ""}],
        )
    if not write.resource.namespaced:
        metadata.pop("namespace", None)
    return {**body, "metadata": metadata}


def _wrong_kind(write: Write, given: object) -> Failure:
    message = f"kind is {given!r}, and must be {write.resource.kind.name!r} here"
    if given is None:
        return Failure(400, message)
    cause = {"reason": "FieldValueInvalid", "message": message, "field": "kind"}
    return Failure(422, message, details=_details(write), causes=[cause])


def demand_version(write: Write, body: Any) -> None:
    """Raises ``Failure`` for a replacement without a version, which would undo in silence what
    others have written. Kubernetes demands one of custom resources alone."""
    metadata = _checked(write, body)["metadata"]
    if write.resource.group and metadata.get("resourceVersion") in (None, "", "0"):
        message = "Invalid value: 0: must be specified for an update"
        field = "metadata.resourceVersion"
        raise Failure(
            422,
            f'{write.resource.qualified} "{write.name}" is invalid: {field}: {message}',
            details=_details(write),
            causes=[{"reason": "FieldValueInvalid", "message": message, "field": field}],
        )


def _check_version(write: Write, live: StoredObject, manifest: Manifest) -> None:
    wanted = manifest["metadata"].get("resourceVersion")
    if wanted and wanted != str(live.revision):
        raise Failure(
            409,
            f"Operation cannot be fulfilled on {write.resource.qualified} "
            f'"{write.name}": the object has been modified; please apply your changes to the '
            f"latest version and try again (it is at {live.revision}, the request at {wanted})",
            details=_details(write),
        )
    uid = manifest["metadata"].get("uid")
    if uid and uid != live.manifest["metadata"]["uid"]:
        raise Failure(
            409,
            f'Operation cannot be fulfilled on {write.resource.qualified} "{write.name}": '
            f"the uid is {live.manifest['metadata']['uid']}, and the request is for {uid}",
            details=_details(write),
        )


def _fresh(write: Write, live: Manifest | None, manifest: Manifest) -> dict[str, Any]:
    """The object with the server's metadata. Raises ``Failure`` if it is too large."""
    fresh = _with_server_metadata(write, live, manifest)
    if len(json.dumps(fresh)) > _MOST_BYTES:
        raise Failure(413, f"the object would be larger than {_MOST_BYTES} bytes")
    return fresh


def _with_server_metadata(
    write: Write, live: Manifest | None, manifest: Manifest
) -> dict[str, Any]:
    """A write to ``/status`` takes only the status."""
    if live is not None and write.subresource == STATUS:
        kept = {k: v for k, v in live.items() if k != STATUS}
        status = manifest.get(STATUS)
        return kept if status is None else {**kept, STATUS: status}
    kept = {k: v for k, v in manifest.items() if k != "status"}
    if write.resource.has_status and live is not None and "status" in live:
        kept["status"] = live["status"]
    old = (live or {}).get("metadata", {})
    kept["metadata"] = {
        **_without_server_fields(manifest["metadata"]),
        "uid": old.get("uid", write.uid),
        "creationTimestamp": old.get("creationTimestamp", write.now),
    }
    return kept


def _without_server_fields(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What users write, unknown fields included: these are refused or dropped later."""
    return {
        name: value
        for name, value in metadata.items()
        if name not in SERVER_FIELDS and value is not None
    }


def shown(stored: StoredObject) -> dict[str, Any]:
    """The object as clients see it, with its ``resourceVersion``."""
    metadata = {**stored.manifest["metadata"], "resourceVersion": str(stored.revision)}
    return {**stored.manifest, "metadata": metadata}


def not_found(write: Write) -> Failure:
    message = f'{write.resource.qualified} "{write.name}" not found'
    return Failure(404, message, details=_details(write))


def already_exists(write: Write, name: str) -> Failure:
    return Failure(
        409,
        f'{write.resource.qualified} "{name}" already exists',
        reason="AlreadyExists",
        details={**_details(write), "name": name},
    )


def _details(write: Write) -> dict[str, Any]:
    return {"name": write.name, "group": write.resource.group, "kind": write.resource.plural}


def _conflicts(error: Conflicts) -> Failure:
    count = len(error.conflicts)
    return Failure(
        409,
        f"Apply failed with {count} conflict{'s' if count > 1 else ''}: {error}",
        causes=[
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {each.owner}",
                "field": each.field,
            }
            for each in error.conflicts
        ],
    )
