"""Endpoints: the inbound listeners of the ready workloads behind each subset.

A workload that is not ready has no endpoint at all, rather than an unhealthy one. When it becomes
ready again, Envoy treats it as a new host, forgets its ejection, and uses the lane at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.endpoint.v3 import endpoint_components_pb2, endpoint_pb2
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile.envoy import lane_statistics, names
from laneway.compile.envoy.clusters import subsets
from laneway.compile.envoy.protobuf import resource, socket_address
from laneway.compile.envoy.visibility import endpoint_metadata
from laneway.compile.ir import ServiceRoutes
from laneway.compile.resources import ENDPOINT, Resource
from laneway.model.placements import Address, Placements
from laneway.model.selection import Selection
from laneway.model.services import ServicePort
from laneway.model.workloads import Workload

# A subset with any healthy endpoint takes all of its requests. With Envoy's default of 140, a lane
# with a third of its endpoints down would send requests to the baseline.
_OVERPROVISIONING = UInt32Value(value=100_000)


def service_endpoints(
    routes: ServiceRoutes, selection: Selection, placements: Placements
) -> Iterable[Resource]:
    """A load assignment for every subset of the service; empty if no workload is ready."""
    service = routes.service
    lanes = {lane.name: lane for lane in routes.subsets}
    for port in service.ports:
        for subset in subsets(routes, routes.by_port[port.port]):
            lane = lanes.get(subset)
            # A strict lane that lacks the service has an empty subset, so its requests get a 503.
            unknown = subset and lane is None
            workloads = () if unknown else selection.workloads(service, lane)
            name = names.subset_cluster(service.host, port.port, subset)
            endpoints = _endpoints(workloads, port, placements, subset)
            yield resource(ENDPOINT, name, _assignment(name, endpoints))


def inbound_endpoint(port: int, application: Address) -> Resource:
    """The address of a sidecar's own application."""
    name = names.inbound_cluster(port)
    endpoint = endpoint_components_pb2.LbEndpoint(
        endpoint=endpoint_components_pb2.Endpoint(address=socket_address(application))
    )
    return resource(ENDPOINT, name, _assignment(name, [endpoint]))


def _endpoints(
    workloads: Iterable[Workload], port: ServicePort, placements: Placements, lane: str
) -> Iterable[endpoint_components_pb2.LbEndpoint]:
    for workload in sorted(workloads, key=lambda workload: workload.name):
        sidecar = placements.sidecars.get(workload.name)
        target = workload.port(port.workload_port)
        if sidecar and target and workload.name in placements.ready:
            address = socket_address(sidecar.inbound[target.number])
            yield endpoint_components_pb2.LbEndpoint(
                endpoint=endpoint_components_pb2.Endpoint(
                    address=address, hostname=lane_statistics.serving(lane)
                ),
                metadata=endpoint_metadata(workload.name, lane),
            )


def _assignment(
    name: str, endpoints: Iterable[endpoint_components_pb2.LbEndpoint]
) -> endpoint_pb2.ClusterLoadAssignment:
    return endpoint_pb2.ClusterLoadAssignment(
        cluster_name=name,
        policy=endpoint_pb2.ClusterLoadAssignment.Policy(overprovisioning_factor=_OVERPROVISIONING),
        endpoints=[endpoint_components_pb2.LocalityLbEndpoints(lb_endpoints=endpoints)],
    )
