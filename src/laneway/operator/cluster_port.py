"""The port to a Kubernetes cluster: what can be observed there, and what can be done.

``adapters.kube`` implements it; ``reconciler`` uses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from laneway.operator.manifests import Manifest


class ClusterError(Exception):
    """Something could not be done in the cluster.

    ``code`` is that of the API server's answer, and ``status`` the document that came with it; 0
    and empty if none came.
    """

    code: int = 0
    status: Mapping[str, Any] = MappingProxyType({})


class Refused(ClusterError):
    """The API server will not do this, however often it is asked. The text says why."""


class Unavailable(ClusterError):
    """The API server could not be reached, or not now: worth another try."""


@dataclass(frozen=True, slots=True)
class Observed:
    """All that decides: each kind's objects, as they were last seen.

    ``generated`` are the objects of the kinds that laneway emits, whoever made them. ``pods`` need
    metadata only. ``revision`` differs whenever anything but pods and slices does.
    """

    groups: Collection[Manifest] = ()
    lanes: Collection[Manifest] = ()
    services: Collection[Manifest] = ()
    gateways: Collection[Manifest] = ()
    generated: Collection[Manifest] = ()
    slices: Collection[Manifest] = ()
    pods: Collection[Manifest] = ()
    revision: object = field(default_factory=object)


@dataclass(frozen=True, slots=True)
class Note:
    """A Kubernetes Event about an object: a warning or a normal one."""

    reason: str
    text: str
    warning: bool = False


class Cluster(Protocol):
    """Every method but ``observe`` may raise ``Refused`` or ``Unavailable``."""

    def observe(self) -> Observed: ...

    async def apply(self, manifest: Manifest, before: Manifest | None) -> None:
        """Make the object say what ``manifest`` does. ``before`` is the one that is changed: if
        another has taken its place meanwhile, nothing is."""
        ...

    async def delete(self, manifest: Manifest) -> None:
        """Delete the object if it is still this one. One that is gone already is none to delete."""
        ...

    async def report(self, subject: Manifest, status: Mapping[str, Any]) -> None:
        """Make ``status`` the object's; one that is gone has none."""
        ...

    async def announce(self, subject: Manifest, note: Note) -> None: ...
