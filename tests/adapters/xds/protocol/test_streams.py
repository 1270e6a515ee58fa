from __future__ import annotations

from tests.adapters.xds.proxies import ModelProxy, request
from tests.adapters.xds.resources import (
    cluster,
    endpoints,
    listener,
    route,
    scope,
    scoped_listener,
    snapshot,
)

from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.adapters.xds.protocol.streams import Stream
from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Snapshot

ONE = snapshot([cluster("a"), endpoints("a", 1), listener("l", "r"), route("r", "a")])
TWO = snapshot([cluster("b"), endpoints("b", 2), listener("l", "r"), route("r", "b")])


def told(pushes: list[Push]) -> list[tuple[str, list[str], tuple[str, ...]]]:
    return [
        (push.type_url.rpartition(".")[2], [each.name for each in push.resources], push.removed)
        for push in pushes
    ]


def connected(first: Snapshot) -> ModelProxy:
    proxy = ModelProxy()
    proxy.connect(first)
    proxy.run()
    proxy.log.clear()
    return proxy


def test_a_fresh_proxy_gets_clusters_endpoints_listeners_routes() -> None:
    proxy = ModelProxy()
    proxy.connect(ONE)
    proxy.run()
    assert told(proxy.log) == [
        ("Cluster", ["a"], ()),
        ("ClusterLoadAssignment", ["a"], ()),
        ("Listener", ["l"], ()),
        ("RouteConfiguration", ["r"], ()),
    ]
    assert proxy.stream.synced


def test_what_routes_refer_to_is_made_before_and_broken_after() -> None:
    proxy = connected(ONE)
    proxy.adopt(TWO)
    proxy.run()
    assert told(proxy.log) == [
        ("Cluster", ["b"], ()),
        ("ClusterLoadAssignment", ["b"], ()),
        ("RouteConfiguration", ["r"], ()),
        ("Cluster", [], ("a",)),
    ]


def scoped(*names: str) -> Snapshot:
    """A scope, with routes of the same name, for each; all lead to one cluster."""
    scopes = [each for name in names for each in (scope(name, name), route(name, "a"))]
    return snapshot([cluster("a"), endpoints("a", 1), scoped_listener("l"), *scopes])


def test_scopes_come_after_listeners_and_before_their_routes() -> None:
    proxy = ModelProxy()
    proxy.connect(scoped("r", "s"))
    proxy.run()
    assert told(proxy.log)[2:] == [
        ("Listener", ["l"], ()),
        ("ScopedRouteConfiguration", ["r", "s"], ()),
        ("RouteConfiguration", ["r", "s"], ()),
    ]
    assert proxy.stream.synced


def test_a_scope_goes_before_its_routes_do() -> None:
    proxy = connected(scoped("r", "s"))
    proxy.adopt(scoped("s", "t"))
    proxy.run()
    assert told(proxy.log) == [
        ("ScopedRouteConfiguration", ["t"], ()),
        ("RouteConfiguration", ["t"], ()),
        ("ScopedRouteConfiguration", [], ("r",)),
    ]  # of the routes it lets go by itself
    assert proxy.config[ROUTE].keys() == {"s", "t"}
    assert proxy.stream.synced


def test_a_rejected_scope_holds_back_routes_and_removals() -> None:
    proxy = connected(scoped("r", "s"))
    proxy.good = lambda resource: resource.name != "t"
    proxy.adopt(
        Snapshot({**scoped("s", "t").types, ROUTE: {"s": route("s"), "t": route("t", "a")}})
    )
    proxy.run()
    assert proxy.config[SCOPE].keys() == {"r", "s"}
    assert proxy.config[ROUTE]["s"] == route("s", "a")
    assert proxy.stream.settled
    assert not proxy.stream.synced


def test_endpoints_of_an_updated_cluster_are_sent_before_its_ack() -> None:
    """Envoy acknowledges a cluster when it is warm, and warms it with endpoints."""
    proxy = connected(ONE)
    proxy.adopt(
        Snapshot({**ONE.types, CLUSTER: {"a": cluster("a", 2)}}),
    )
    assert [proxy.step_server(), proxy.step_server()] == [True, True]
    assert told(proxy.log) == [("Cluster", ["a"], ()), ("ClusterLoadAssignment", ["a"], ())]
    proxy.run()
    assert proxy.stream.synced


def test_a_cluster_that_is_updated_before_its_endpoints_are_asked_for_gets_them() -> None:
    """A proxy that reconnects asks for clusters first, and may be answered before it asks for
    endpoints, of which it says that it has them."""
    proxy = connected(ONE)
    proxy.connect(Snapshot({**ONE.types, CLUSTER: {"a": cluster("a", 2)}}))
    proxy.stream.receive(proxy.outbox.popleft())
    update = proxy.stream.next()
    assert update is not None
    assert told([update]) == [("Cluster", ["a"], ())]
    proxy.inbox.append(update)
    proxy.run()
    assert told(proxy.log) == [("ClusterLoadAssignment", ["a"], ())]
    assert proxy.stream.synced


def test_a_rejected_cluster_holds_back_routes_and_removals() -> None:
    proxy = connected(ONE)
    proxy.good = lambda resource: resource.name != "b"
    proxy.adopt(TWO)
    proxy.run()
    assert proxy.config[ROUTE]["r"] == ONE.types[ROUTE]["r"]
    assert proxy.config[CLUSTER].keys() == {"a"}
    assert proxy.stream.settled
    assert not proxy.stream.synced


def test_and_a_later_snapshot_goes_through() -> None:
    proxy = connected(ONE)
    proxy.good = lambda resource: resource.name != "b"
    proxy.adopt(TWO)
    proxy.run()
    proxy.adopt(snapshot([cluster("c"), endpoints("c", 3), listener("l", "r"), route("r", "c")]))
    proxy.run()
    assert proxy.stream.synced
    assert proxy.config[CLUSTER].keys() == {"c"}


def test_endpoints_go_on_past_a_rejected_cluster() -> None:
    proxy = connected(ONE)
    proxy.good = lambda resource: resource.name != "b"
    moved = endpoints("a", 9)
    proxy.adopt(
        snapshot(
            [cluster("a"), cluster("b"), moved, endpoints("b", 2), *ONE.types[LISTENER].values()]
        )
    )
    proxy.run()
    assert proxy.config[ENDPOINT]["a"] == moved


def test_a_fresh_proxy_starts_in_spite_of_a_rejected_cluster() -> None:
    proxy = ModelProxy(good=lambda resource: resource.name != "b")
    proxy.connect(
        snapshot(
            [
                *(cluster("a"), cluster("b"), endpoints("a", 1), endpoints("b", 2)),
                *(listener("l", "r"), route("r", "a", "b")),
            ]
        )
    )
    proxy.run()
    assert proxy.config[LISTENER].keys() == {"l"}
    assert proxy.config[ROUTE].keys() == {"r"}
    assert not proxy.stream.synced


def test_a_listener_may_take_the_address_of_one_that_goes() -> None:
    proxy = connected(ONE)
    proxy.adopt(Snapshot({**ONE.types, LISTENER: {"m": listener("m", "r")}}))
    proxy.run()
    assert told(proxy.log) == [("Listener", ["m"], ()), ("Listener", ["m"], ("l",))]
    assert proxy.stream.synced


def test_two_listeners_at_one_address_do_not_make_it_insist() -> None:
    proxy = connected(ONE)
    proxy.adopt(
        Snapshot({**ONE.types, LISTENER: {"m": listener("m", "r"), "n": listener("n", "r")}})
    )
    proxy.run()
    assert proxy.stream.settled
    assert not proxy.stream.synced
    assert len(proxy.config[LISTENER]) == 1


def test_a_reconnect_is_silent() -> None:
    proxy = connected(ONE)
    proxy.connect(ONE)
    proxy.run()
    assert proxy.log == []
    assert proxy.stream.synced


def test_a_reconnect_while_away_from_a_change() -> None:
    proxy = connected(ONE)
    proxy.connect(TWO)
    proxy.run()
    assert proxy.stream.synced
    assert told(proxy.log)[-1] == ("Cluster", [], ("a",))


def test_removals_wait_for_types_that_a_reconnecting_proxy_has_yet_to_name() -> None:
    stream = Stream(SharedResults())
    stream.adopt(TWO)
    stream.receive(request(CLUSTER, has={"a": "1", "b": TWO.types[CLUSTER]["b"].version}))
    assert stream.next() is None
    has = TWO.types[ENDPOINT]["b"].version
    stream.receive(request(ENDPOINT, add=("a", "b"), has={"a": "1", "b": has}))
    assert stream.next() is None
    stream.receive(request(LISTENER, has={"l": TWO.types[LISTENER]["l"].version}))
    assert stream.next() is None  # the listener has routes, and they may be old
    assert not stream.synced
    stream.receive(request(ROUTE, add=("r",), has={"r": "1"}))
    push = stream.next()
    assert push
    assert push.type_url == ROUTE
    stream.receive(request(ROUTE, nonce=push.nonce))
    push = stream.next()
    assert push
    assert push.removed == ("a",)


def test_endpoints_asked_for_ahead_of_clusters_are_sent_although_held() -> None:
    """Envoy reconnected while a cluster was warming, and says what the former cluster had."""
    stream = Stream(SharedResults())
    stream.adopt(ONE)
    stream.receive(request(ENDPOINT, add=("a",), has={"a": ONE.types[ENDPOINT]["a"].version}))
    push = stream.next()
    assert push
    assert told([push]) == [("ClusterLoadAssignment", ["a"], ())]


def test_a_cluster_that_warms_while_it_is_to_be_removed_keeps_its_endpoints() -> None:
    proxy = connected(ONE)
    proxy.adopt(Snapshot({**ONE.types, CLUSTER: {"a": cluster("a", 2)}}))
    proxy.step_server()
    proxy.adopt(TWO)
    proxy.run()
    assert proxy.stream.synced
    assert ("ClusterLoadAssignment", ["b", "a"], ()) in told(proxy.log) or (
        "ClusterLoadAssignment",
        ["a"],
        (),
    ) in told(proxy.log)


def test_nothing_is_known_of_a_node() -> None:
    stream = Stream(SharedResults())
    stream.receive(request(CLUSTER))
    stream.receive(request(LISTENER))
    assert stream.next() is None
    assert not stream.synced
    assert not stream.settled
    stream.adopt(ONE)
    push = stream.next()
    assert push
    assert told([push]) == [("Cluster", ["a"], ())]


def test_a_type_that_laneway_does_not_serve_is_answered() -> None:
    stream = Stream(SharedResults())
    stream.adopt(Snapshot({}))
    secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    stream.receive(request(secret, add=("cert",)))
    push = stream.next()
    assert push
    assert push.removed == ("cert",)
