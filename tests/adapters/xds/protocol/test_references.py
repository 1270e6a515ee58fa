from __future__ import annotations

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from tests.adapters.xds.resources import (
    cluster,
    endpoints,
    listener,
    resource,
    route,
    scope,
    scoped_listener,
)

from laneway.adapters.xds.protocol.references import references
from laneway.compile.resources import CLUSTER, LISTENER, Resource


def test_a_cluster_refers_to_its_endpoints_by_service_name_or_its_own() -> None:
    assert references(cluster("a")) == ("a",)
    named = Cluster.FromString(cluster("a").body)
    named.eds_cluster_config.service_name = "other"
    assert references(resource(CLUSTER, "a", named)) == ("other",)


def test_a_cluster_of_another_kind_refers_to_none() -> None:
    assert references(resource(CLUSTER, "a", Cluster(name="a", type=Cluster.STATIC))) == ()
    file = Cluster.FromString(cluster("a").body)
    file.eds_cluster_config.eds_config.path_config_source.path = "/eds.yaml"
    assert references(resource(CLUSTER, "a", file)) == ()


def test_a_listener_refers_to_its_routes_once() -> None:
    message = Listener.FromString(listener("l", "r").body)
    message.default_filter_chain.CopyFrom(message.filter_chains[0])
    other = Listener.FromString(listener("l", "s").body).filter_chains[0]
    message.filter_chains.append(other)
    assert references(resource(LISTENER, "l", message)) == ("r", "s")


def test_a_scope_refers_to_its_routes_and_a_listener_with_scopes_to_none() -> None:
    assert references(scope("s", "r")) == ("r",)
    assert references(scope("s", "")) == ()
    assert references(scoped_listener("l")) == ()


def test_others_and_what_does_not_parse_refer_to_none() -> None:
    assert references(route("r", "a")) == ()
    assert references(endpoints("a", 1)) == ()
    assert references(Resource.of(CLUSTER, "a", b"\xff\xff")) == ()
