"""Kinds that laneway knows of and does not read: they are passed over with a warning, so that a
folder of a whole application's manifests can be given as it is."""

from __future__ import annotations

#: API groups whose objects are never read. A trailing ``.k8s.io`` group is foreign without entry.
GROUPS = frozenset(
    "apps autoscaling batch extensions policy security.istio.io telemetry.istio.io"
    " extensions.istio.io install.istio.io cert-manager.io monitoring.coreos.com"
    " argoproj.io helm.toolkit.fluxcd.io kustomize.toolkit.fluxcd.io serving.knative.dev"
    " rollouts.kruise.io apps.kruise.io keda.sh".split()
)

#: Other kinds of the groups that laneway reads one kind of.
KINDS = frozenset(
    "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume"
    " PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret"
    " ServiceAccount"
    " DestinationRule EnvoyFilter ProxyConfig ServiceEntry Sidecar VirtualService WorkloadEntry"
    " WorkloadGroup"
    " TrafficLabel ASMHeaderPropagation ASMHashTagging ASMSwimLaneV2".split()
)


def is_foreign(group: str, kind: str) -> bool:
    return group in GROUPS or group.endswith(".k8s.io") or kind in KINDS
