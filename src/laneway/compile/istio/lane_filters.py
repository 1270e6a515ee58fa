"""EnvoyFilter: the lane filter, for groups whose applications do not pass on the route header.

Beside each workload the filter remembers the lane of a trace id, or carries it in baggage; at a
gateway it reads baggage, and makes up the trace context that a request lacks. It has two parts. An
extension configuration in the root namespace holds the WebAssembly module itself; istiod serves it
to proxies by ECDS. A patch for the proxies of a workload or gateway inserts an HTTP filter that
refers to the configuration by its name.

The module stands inside the object, because a proxy must not depend on another server when it
starts: istio-agent gives up a download after some seconds and never tries again
(``docs/decisions/0009-module-in-istio.md``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from laneway.compile.ir import BaggageMember, Carrier, GatewayRoutes, ServiceRoutes, TraceMemory
from laneway.compile.istio import names, patches
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import Document
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

INBOUND, OUTBOUND, AT_GATEWAY = "inbound", "outbound", "gateway"

_TYPE = "type.googleapis.com/"
_WASM = f"{_TYPE}envoy.extensions.filters.http.wasm.v3.Wasm"
_RBAC = f"{_TYPE}envoy.extensions.filters.http.rbac.v3.RBAC"
_STRING = f"{_TYPE}google.protobuf.StringValue"


def sidecar_filters(
    group: LaneGroup,
    services: Iterable[ServiceRoutes],
    carriers: Mapping[ObjectName, Carrier],
    options: Options,
) -> Iterator[Document]:
    """The group's two configurations, then a patch for the workloads of each service.

    A service without a selector has no workloads. Services with the same selector have the same
    workloads, which get the filter once.
    """
    by_workloads = {
        (routes.service.name.namespace, frozenset(routes.service.selector.items())): routes.service
        for routes in services
        if routes.service.selector and routes.service.name in carriers
    }
    if not by_workloads:
        return
    carrier = carriers[next(iter(by_workloads.values())).name]
    for direction in (INBOUND, OUTBOUND):
        yield _configuration(direction, group, carrier, options)
    for service in by_workloads.values():
        inserted = [
            patches.inserted_filter(patches.INBOUND, _reference(INBOUND, group)),
            patches.inserted_filter(patches.SIDECAR, _reference(OUTBOUND, group)),
        ]
        name, namespace = names.workload_filter(service.name), service.name.namespace
        yield patches.envoy_filter(namespace, name, group, inserted, service.selector)


def gateway_filters(
    mesh: Mesh, gateways: Iterable[GatewayRoutes], options: Options
) -> Iterator[Document]:
    """One configuration for each group that needs it, then a patch for each gateway and group.

    All stand in the root namespace, as a gateway's pods may be anywhere. Without a selector a patch
    would be for all workloads of the mesh, so such a gateway gets none.
    """
    selected = [gateway for gateway in gateways if gateway.gateway.selector]
    carriers = {carrier.group: carrier for gateway in selected for carrier in gateway.carriers}
    for name, carrier in carriers.items():
        yield _configuration(AT_GATEWAY, mesh.groups_by_name[name], carrier, options)
    for gateway in selected:
        for carrier in gateway.carriers:
            group = mesh.groups_by_name[carrier.group]
            inserted = [patches.inserted_filter(patches.GATEWAY, _reference(AT_GATEWAY, group))]
            name = f"{names.gateway_filter(gateway.gateway.name)}-{group.name}"
            selector = gateway.gateway.selector
            yield patches.envoy_filter(options.root_namespace, name, group, inserted, selector)


def _configuration(
    direction: str, group: LaneGroup, carrier: Carrier, options: Options
) -> Document:
    settings = {
        "direction": direction,
        "route_header": carrier.route_header.lower(),
        **_settings(carrier),
    }
    # Each configuration needs a root context of its own, since all share one VM.
    root = f"{direction}|{group.name}"
    plugin = {
        "name": root,
        "root_id": root,
        # No vm_id: configurations share one memory by having the same one, and the WasmPlugins
        # that laneway generated before have the empty one. During an upgrade both are there.
        "vm_config": {
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"inline_bytes": _base64(options.module)}},
        },
        "configuration": {"@type": _STRING, "value": json.dumps(settings, sort_keys=True)},
        # If the VM fails, requests without the filter go to the baseline; they do not fail.
        "failure_policy": "FAIL_OPEN",
    }
    value = {
        "name": names.lane_filter(direction, group.name),
        "typed_config": {"@type": _WASM, "config": plugin},
    }
    patch = {"applyTo": "EXTENSION_CONFIG", "patch": {"operation": "ADD", "value": value}}
    name = names.lane_filter_object(direction, group.name)
    return patches.envoy_filter(options.root_namespace, name, group, [patch])


def _reference(direction: str, group: LaneGroup) -> Document:
    """An HTTP filter that a proxy gets by discovery.

    A listener waits for the configuration before it takes requests, so there is no moment without
    the filter. Where istiod has no such configuration, the listener goes on after the timeout with
    a filter that lets everything pass, and changes to the lane filter as soon as it arrives.
    """
    return {
        "name": names.lane_filter(direction, group.name),
        "config_discovery": {
            "config_source": {
                "ads": {},
                "initial_fetch_timeout": "15s",
                "resource_api_version": "V3",
            },
            "default_config": {"@type": _RBAC},
            "type_urls": [_WASM, _RBAC],
        },
    }


def _settings(carrier: Carrier) -> Document:
    match carrier:
        case TraceMemory():
            limits = {"sets": carrier.limits.sets, "ttl_seconds": carrier.limits.ttl_seconds}
            given = {name: limit for name, limit in limits.items() if limit is not None}
            return {"trace_header": carrier.trace_header.lower(), **given}
        case BaggageMember():
            return {"baggage_key": carrier.key}


@cache
def _base64(module: bytes) -> str:
    return base64.b64encode(module).decode()
