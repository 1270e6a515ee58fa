"""Whatever happens, a proxy ends with its snapshot and never holds a reference to nothing."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.xds.proxies import ModelProxy
from tests.adapters.xds.resources import (
    cluster,
    endpoints,
    listener,
    route,
    scope,
    scoped_listener,
    snapshot,
)

from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    SCOPE,
    Resource,
    Snapshot,
)

NAMES = ("a", "b", "c", "d")
HOSTS = ("h", "i", "j")
VERSIONS = st.integers(min_value=1, max_value=3)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Whole ones: every reference is met. Version 3 of anything may be one that a proxy refuses.

    The listener with scopes stays, as a sidecar's does.
    """
    clusters = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    made: list[Resource] = []
    for name in clusters:
        made.append(cluster(name, draw(VERSIONS)))
        made.append(endpoints(name, draw(VERSIONS)))
    for name in draw(st.lists(st.sampled_from(("r", "s")), unique=True)):
        used = draw(st.lists(st.sampled_from(clusters), min_size=1, unique=True))
        made.append(route(name, *used))
        # Names of listeners come and go at one address.
        listener_name = draw(st.sampled_from((f"{name}1", f"{name}2")))
        port = 1 if name == "r" else 2
        made.append(listener(listener_name, name, port, prefix=f"v{draw(VERSIONS)}"))
    made.append(scoped_listener("out", 3, prefix=f"v{draw(VERSIONS)}"))
    made.append(scope("any", "p", key="*"))
    made.append(route("p", clusters[0]))
    for name in draw(st.lists(st.sampled_from(HOSTS), unique=True)):
        routes = draw(st.sampled_from(("p", f"{name}1", f"{name}2")))
        made.append(scope(name, routes, key=f"{name}{draw(VERSIONS)}"))
        if routes != "p":
            used = draw(st.lists(st.sampled_from(clusters), min_size=1, unique=True))
            made.append(route(routes, *used))
    return snapshot(made)


ACTIONS = st.one_of(
    snapshots(),
    st.sampled_from(("server", "server", "proxy", "proxy", "run", "reconnect")),
)


def refuses(*bad: Resource) -> set[tuple[str, str, str]]:
    return {(each.type_url, each.name, each.version) for each in bad}


BAD = refuses(
    *(cluster(name, 3) for name in NAMES),
    *(endpoints(name, 3) for name in NAMES),
    *(listener(f"{n}{i}", n, 1 if n == "r" else 2, "v3") for n in ("r", "s") for i in (1, 2)),
    *(route("r", name) for name in NAMES),
    *(scope(host, routes, f"{host}3") for host in HOSTS for routes in ("p", f"{host}1")),
    *(route("h1", name) for name in NAMES),
    scoped_listener("out", 3, "v3"),
)


def good(resource: Resource) -> bool:
    return (resource.type_url, resource.name, resource.version) not in BAD


def wanted(proxy: ModelProxy, last: Snapshot) -> dict[str, dict[str, str]]:
    return {
        type_url: {
            name: each.version
            for name, each in last.resources(type_url).items()
            if type_url in (CLUSTER, LISTENER, SCOPE) or name in proxy.subscribed[type_url]
        }
        for type_url in PUSH_ORDER
    }


def held(proxy: ModelProxy) -> dict[str, dict[str, str]]:
    return {
        type_url: {name: each.version for name, each in resources.items()}
        for type_url, resources in proxy.config.items()
    }


def play(proxy: ModelProxy, first: Snapshot, actions: list[Snapshot | str]) -> Snapshot:
    last = first
    proxy.connect(first)
    for action in actions:
        if isinstance(action, Snapshot):
            last = action
            proxy.adopt(action)
        elif action == "server":
            proxy.step_server()
        elif action == "proxy":
            proxy.step_proxy()
        elif action == "run":
            proxy.run()
        else:
            proxy.connect(last)
    proxy.run()
    return last


#: The same examples each time: a new find belongs to a search, not to somebody else's change.
SETTINGS = settings(
    max_examples=max(100, settings().max_examples),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@SETTINGS
@given(snapshots(), st.lists(ACTIONS, max_size=25), st.sampled_from((1, 10_000)))
def test_a_proxy_that_takes_everything_ends_with_its_snapshot(
    first: Snapshot, actions: list[Snapshot | str], response_bytes: int
) -> None:
    proxy = ModelProxy(response_bytes=response_bytes)
    last = play(proxy, first, actions)
    assert held(proxy) == wanted(proxy, last)
    assert proxy.stream.synced
    assert not proxy.warming


@SETTINGS
@given(snapshots(), st.lists(ACTIONS, max_size=25), st.booleans())
def test_a_proxy_that_refuses_some_comes_to_rest_without_dangling(
    first: Snapshot, actions: list[Snapshot | str], naming: bool
) -> None:
    proxy = ModelProxy(good=good, naming=naming)
    last = play(proxy, first, actions)
    assert proxy.stream.settled
    assert proxy.stream.synced == (held(proxy) == wanted(proxy, last))
    for type_url in (CLUSTER, ENDPOINT):  # the good ones always arrive
        for name, version in wanted(proxy, last)[type_url].items():
            if (type_url, name, version) not in BAD:
                assert held(proxy)[type_url][name] == version


@SETTINGS
@given(snapshots(), st.lists(ACTIONS, max_size=15), snapshots(), st.booleans())
def test_a_good_snapshot_repairs_whatever_was_refused(
    first: Snapshot, actions: list[Snapshot | str], repaired: Snapshot, naming: bool
) -> None:
    proxy = ModelProxy(good=good, naming=naming)
    play(proxy, first, actions)
    proxy.good = lambda resource: True
    proxy.connect(repaired)
    proxy.run()
    assert held(proxy) == wanted(proxy, repaired)
    assert proxy.stream.synced
