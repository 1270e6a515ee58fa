"""What ASM generates for a service of a group: TrafficLabel, DestinationRule, VirtualService."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from laneway.compile.equality_subsets import subset_labels
from laneway.compile.ir import ServiceRoutes
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.names import ObjectName

Document = dict[str, Any]

ROOT_NAMESPACE = "istio-system"
LABEL = "asm-label"
ISTIO = "networking.istio.io/v1beta1"
_ASM = "istio.alibabacloud.com/v1beta1"


def traffic_label(group: LaneGroup, routes: ServiceRoutes) -> Document:
    service = routes.service
    value = f"$getExternalInboundRequestHeader({group.route_header}, {group.trace_header})"
    name = f"asm-swimlane-{group.name}-{service.name.name}"
    return {
        "apiVersion": _ASM,
        "kind": "TrafficLabel",
        "metadata": metadata(group, name, service.name.namespace),
        "spec": {
            "rules": [{"labels": [{"name": LABEL, "valueFrom": [value]}]}],
            "workloadSelector": {"labels": dict(service.selector)},
        },
    }


def destination_rule(group: LaneGroup, routes: ServiceRoutes) -> Document:
    name = f"trafficlabel-dr-{group.name}-{_dashed(routes.service.name)}"
    subsets = [{"labels": dict(subset_labels(lane)), "name": lane.name} for lane in routes.subsets]
    return {
        "apiVersion": ISTIO,
        "kind": "DestinationRule",
        "metadata": metadata(group, name, ROOT_NAMESPACE),
        "spec": {"host": routes.service.host, "subsets": subsets},
    }


def service_routes(group: LaneGroup, lanes: Iterable[Lane], routes: ServiceRoutes) -> Document:
    """One route by label where sidecars know it, else one for every lane of the group.

    Lanes without the service are matched too: their subset does not exist, which is what makes
    ``fallback`` act. In a strict group the labels of the pod that calls decide.
    """
    if group.mode is Mode.STRICT:
        http: list[Document] = [
            {
                "match": [{"sourceLabels": dict(subset_labels(lane))}],
                "route": [destination(group, routes, lane.name, lane.mode or group.mode)],
            }
            for lane in lanes
        ]
    elif group.propagation is Propagation.TRACE:
        http = [{"name": "default", "route": [destination(group, routes, f"${LABEL}", group.mode)]}]
    else:
        http = [
            {
                "match": [{"headers": {group.route_header: {"exact": lane.name}}}],
                "route": [destination(group, routes, lane.name, lane.mode or group.mode)],
            }
            for lane in lanes
        ]
    return {
        "apiVersion": ISTIO,
        "kind": "VirtualService",
        "metadata": metadata(
            group, f"trafficlabel-vs-{group.name}-{_dashed(routes.service.name)}", ROOT_NAMESPACE
        ),
        "spec": {"hosts": [routes.service.host], "http": http},
    }


def destination(
    group: LaneGroup,
    routes: ServiceRoutes,
    subset: str,
    mode: Mode,
    port: Mapping[str, Any] | None = None,
) -> Document:
    """A route's only destination, with its fallback where ``mode`` has one."""
    host: Document = {"host": routes.service.host}
    if port is not None:
        host["port"] = port
    has_baseline = any(lane.name == routes.baseline for lane in routes.subsets)
    baseline = {**host, "subset": routes.baseline} if has_baseline else host
    if (
        routes.group != group.name
    ):  # an entry service of another group, or of none, has no such lane
        return {"destination": baseline}
    destination = {"destination": {**host, "subset": subset}}
    return destination if mode is Mode.STRICT else {**destination, "fallback": {"target": baseline}}


def metadata(group: LaneGroup, name: str, namespace: str) -> Document:
    labels = {"asm-system": "true", "provider": "asm", "swimlane-group": group.name}
    return {"labels": labels, "name": name, "namespace": namespace}


def _dashed(name: ObjectName) -> str:
    return f"{name.namespace}-{name.name}"
