"""The presentation of objects that a client accepts: whole objects, tables, or only metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request

from laneway.apiserver import tables
from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Served

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Presentation:
    """``form`` is "" for the objects themselves, else ``table`` or ``metadata``."""

    resource: Served
    api_version: str
    form: str
    whole: bool
    now: Callable[[], datetime]

    @classmethod
    def asked(
        cls, request: Request, resource: Served, api_version: str, now: Callable[[], datetime]
    ) -> Presentation:
        """The presentation for the first media type in ``Accept`` that there is. Raises
        ``Failure`` if there is none."""
        accepted = request.headers.get("accept", "") or "*/*"
        known = (form for each in accepted.split(",") if (form := _form(each)) is not None)
        form = next(known, None)
        if form is None:
            raise Failure(
                406, f"none of the media types {accepted} is served; ask for application/json"
            )
        whole = request.query_params.get("includeObject") == "Object"
        return cls(resource, api_version, form, whole, now)

    @property
    def key(self) -> str:
        """Equal for requests with the same presentation."""
        return f"{self.form} {self.api_version} {self.whole}"

    def one(self, manifest: Manifest) -> dict[str, Any]:
        if self.form == "table":
            version = manifest["metadata"].get("resourceVersion", "")
            return self._table([manifest], {"resourceVersion": version})
        if self.form == "metadata":
            return _metadata(manifest)
        return {**manifest, "apiVersion": self.api_version}

    def many(self, manifests: list[Manifest], metadata: Mapping[str, Any]) -> dict[str, Any]:
        if self.form == "table":
            return self._table(manifests, metadata)
        kind, api_version = f"{self.resource.kind.name}List", self.api_version
        if self.form == "metadata":
            kind, api_version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        return {
            "kind": kind,
            "apiVersion": api_version,
            "metadata": dict(metadata),
            "items": [self.one(manifest) for manifest in manifests],
        }

    def bookmark(self, revision: int, initial: bool) -> dict[str, Any]:
        """``initial``: it marks the end of the initial objects."""
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        if self.form == "table":
            return self._table([], {"resourceVersion": str(revision)}) | (
                {"rows": [_bookmark_row(metadata)]} if initial else {}
            )
        if self.form == "metadata":
            return _metadata({"metadata": metadata})
        return {
            "kind": self.resource.kind.name,
            "apiVersion": self.api_version,
            "metadata": metadata,
        }

    def _table(self, manifests: list[Manifest], metadata: Mapping[str, Any]) -> dict[str, Any]:
        return tables.table(self.resource, manifests, metadata, self.now(), whole=self.whole)


#: JSON is YAML, too.
_MEDIA_TYPES = ("application/json", "application/yaml", "application/*", "*/*", "text/event-stream")
#: ``v1beta1`` gets ``v1``, which has the same fields.
_VERSIONS = (None, "v1", "v1beta1")
_FORMS = {
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}


def _form(media_type: str) -> str | None:
    """The form of a media type, with its parameters; None if it is not served."""
    kind, *parts = (part.strip() for part in media_type.split(";"))
    parameters = dict(part.partition("=")[::2] for part in parts)
    if kind not in _MEDIA_TYPES:
        return None
    if "as" not in parameters:
        return ""
    if parameters.get("g") != "meta.k8s.io" or parameters.get("v") not in _VERSIONS:
        return None
    return _FORMS.get(parameters["as"])


def _metadata(manifest: Manifest) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": manifest["metadata"],
    }


def _bookmark_row(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"cells": [], "object": _metadata({"metadata": metadata})}
