"""A cache of decoded manifests. Pure.

Of a thousand services and lanes, usually one has changed since the last pass. The others are not
decoded again, and because they come back as the same objects, later stages see at once that they
are unchanged.
"""

from __future__ import annotations

from laneway.compile.generational_cache import GenerationalCache, SameObjects
from laneway.model.findings import Source
from laneway.operator.manifests import Manifest, key_of
from laneway.operator.recorded_baselines import with_recorded_baseline
from laneway.schema import Alone, Document, read_alone

#: Lanes and groups belong to no namespace.
_CLUSTERED = ("LaneGroup", "Lane")


class DecodedManifests:
    """Decodes each manifest once, as long as it is asked for in every pass."""

    def __init__(self) -> None:
        self._cache = GenerationalCache()

    def of(self, manifest: Manifest) -> Alone:
        """The declared object, or the findings about it."""
        return self._cache.get(id(manifest), SameObjects(manifest), lambda: _decoded(manifest))

    def next_pass(self) -> None:
        """Forget the manifests that were not asked for since the last call."""
        self._cache.next_generation()


def _decoded(manifest: Manifest) -> Alone:
    source = Source(str(key_of(manifest)), None)
    alone = read_alone(Document(plain(manifest), source))
    return with_recorded_baseline(alone, manifest)


def plain(manifest: Manifest) -> dict[str, object]:
    """The parts of a manifest that a user wrote, without those of the API server."""
    metadata = {
        name: value
        for name, value in manifest["metadata"].items()
        if name in ("name", "namespace", "labels", "annotations") and value
    }
    if manifest["kind"] in _CLUSTERED:
        metadata.pop("namespace", None)
    written = {name: manifest[name] for name in ("apiVersion", "kind", "spec") if name in manifest}
    return {**written, "metadata": metadata}
