"""The resources that laneway deals with: where the API server has them, and what is done to each.

The verbs here are all that the operator needs: its ClusterRole grants exactly these, and a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from laneway.compile.dialect import GeneratedKind, Kinds

_READ = ("get", "list", "watch")
_WATCH = ("list", "watch")
_GENERATED = ("list", "watch", "create", "patch", "delete")
#: Former versions generated it: what they left is removed.
_RETIRED = ("list", "watch", "delete")


@dataclass(frozen=True, slots=True)
class Resource:
    """``metadata_only``: only labels and the like are asked for."""

    group: str
    version: str
    plural: str
    kind: str
    verbs: tuple[str, ...]
    metadata_only: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Without a namespace: the objects of all, or an object that has none."""
        parts = [self.root]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


_ISTIO = "networking.istio.io"

LANE_GROUPS = Resource("laneway.dev", "v1alpha1", "lanegroups", "LaneGroup", _WATCH)
LANES = Resource("laneway.dev", "v1alpha1", "lanes", "Lane", _WATCH)
SERVICES = Resource("", "v1", "services", "Service", _WATCH)
PODS = Resource("", "v1", "pods", "Pod", _WATCH, metadata_only=True)
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", _WATCH)
GATEWAYS = Resource(_ISTIO, "v1", "gateways", "Gateway", _WATCH)
EVENTS = Resource("events.k8s.io", "v1", "events", "Event", ("create",))
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", ("get", "create", "update"))

DECLARED = (LANE_GROUPS, LANES)

#: For ``api.laneway.dev``: the cluster decides who may do what.
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", ("create",)
)
#: One, in ``kube-system``: how the API server proves itself to extension API servers.
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", ("get",))
#: Its serving certificate, in the operator's own namespace, and who is to trust it.
SECRETS = Resource("", "v1", "secrets", "Secret", ("get", "create", "update"))
API_SERVICES = Resource(
    "apiregistration.k8s.io", "v1", "apiservices", "APIService", ("get", "patch")
)
#: For change sets and previews, besides what the operator does by itself.
CHANGED = tuple(replace(each, verbs=("create", "patch", "delete")) for each in DECLARED)
PREVIEWED = tuple(replace(each, verbs=("get",)) for each in (SERVICES, GATEWAYS))

WATCHED = (*DECLARED, SERVICES, PODS, SLICES, GATEWAYS)


def generated(kinds: Kinds) -> Mapping[str, Resource]:
    """The resources of the kinds that a dialect generates, by kind."""
    return {
        each.kind: Resource(
            *_group_version(each), each.plural, each.kind, _RETIRED if each.retired else _GENERATED
        )
        for each in kinds.values()
    }


def _group_version(kind: GeneratedKind) -> tuple[str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version
