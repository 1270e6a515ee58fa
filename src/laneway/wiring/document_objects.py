"""Documents of files as objects of the API, where files and examples take the place of clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from laneway.apiserver.resources import Resource, by_kind
from laneway.apiserver.writes import Write, created, replaced
from laneway.control.revisions import Manifest, ObjectId, StoredObject
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.model.times import timestamp
from laneway.schema import Document

_WRITTEN = ("name", "namespace", "labels", "annotations")


class DocumentObjects:
    """``manager`` owns their fields. ``uid`` returns a new uid each time."""

    def __init__(
        self,
        resources: Iterable[Resource],
        manager: str,
        now: Callable[[], datetime],
        uid: Callable[[], str],
    ) -> None:
        self._resources = by_kind(resources)
        self._manager = manager
        self._now = now
        self._uid = uid

    def key(self, document: Document) -> ObjectId:
        return self.key_of(_object(document))

    def key_of(self, manifest: Mapping[str, Any]) -> ObjectId:
        resource = self._resources[manifest["apiVersion"], manifest["kind"]]
        return _key(resource, manifest["metadata"])

    def created(self, document: Document) -> tuple[ObjectId, Manifest]:
        """An object that was not there before. Raises ``Failure``."""
        key = self.key(document)
        return key, self.manifest(document, None)

    def manifest(self, document: Document, live: StoredObject | None) -> Manifest:
        """The object that takes the place of ``live``. Raises ``Failure``."""
        data, resource = _object(document), self._resource(document)
        metadata = data["metadata"]
        key = _key(resource, metadata)
        now, uid = timestamp(self._now()), self._uid()
        manager, version = self._manager, data["apiVersion"]
        write = Write(
            resource, key.namespace, key.name, manager, now, uid, version, validation="Ignore"
        )
        written: dict[str, Any] = {
            **data,
            "metadata": {name: metadata[name] for name in _WRITTEN if name in metadata},
        }
        valid = replaced(write, live, written) if live else created(write, written)
        return valid.manifest

    def _resource(self, document: Document) -> Resource:
        data = _object(document)
        return self._resources[data["apiVersion"], data["kind"]]


def _key(resource: Resource, metadata: Mapping[str, Any]) -> ObjectId:
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE if resource.namespaced else ""
    return ObjectId(resource.qualified, namespace, metadata["name"])


def _object(document: Document) -> Mapping[str, Any]:
    """What has been read as an object has this form."""
    assert isinstance(document.data, Mapping)
    return document.data
