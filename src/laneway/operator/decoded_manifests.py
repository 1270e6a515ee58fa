"""A cache of decoded manifests. Pure.

Of a thousand services and lanes, usually one has changed since the last pass. The others are not
decoded again, and because they come back as the same objects, later stages see at once that they
are unchanged.
"""

from __future__ import annotations

from laneway.model.findings import Source
from laneway.operator.manifests import Manifest, key_of
from laneway.operator.recorded_baselines import with_recorded_baseline
from laneway.schema import Alone, Document, read_alone

#: Lanes and groups belong to no namespace.
_CLUSTERED = ("LaneGroup", "Lane")


class DecodedManifests:
    """``sweep`` forgets what was not asked for since the last time."""

    def __init__(self) -> None:
        # With the manifest itself, so that no other object takes its identity.
        self._known: dict[int, tuple[Manifest, Alone]] = {}
        self._asked: dict[int, tuple[Manifest, Alone]] = {}

    def of(self, manifest: Manifest) -> Alone:
        known = self._asked.get(id(manifest)) or self._known.get(id(manifest))
        if known is None:
            source = Source(str(key_of(manifest)), None)
            alone = read_alone(Document(plain(manifest), source))
            known = manifest, with_recorded_baseline(alone, manifest)
        self._asked[id(manifest)] = known
        return known[1]

    def sweep(self) -> None:
        self._known, self._asked = self._asked, {}


def plain(manifest: Manifest) -> dict[str, object]:
    """What a user would have written; the rest is the API server's."""
    metadata = {
        name: value
        for name, value in manifest["metadata"].items()
        if name in ("name", "namespace", "labels", "annotations") and value
    }
    if manifest["kind"] in _CLUSTERED:
        metadata.pop("namespace", None)
    written = {name: manifest[name] for name in ("apiVersion", "kind", "spec") if name in manifest}
    return {**written, "metadata": metadata}
