"""Meshes that requests enter without naming a lane, or by another name, and such requests."""

from __future__ import annotations

from typing import Any

from tests.compile.meshes import exact, group, lane, mesh, name, prefix, regex, rule, service

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.lanes import Mode, RouteBy, Sticky
from laneway.model.meshes import Mesh

SERVICES = [service("web"), service("cart")]
CALLS = Applications(
    {name("web"): (Call(name("cart"), 8000),)},
    {name("web"): frozenset({"x-lane", "x-trace"}), name("cart"): frozenset({"x-lane"})},
)


def declared(**fields: Any) -> Mesh:
    """The baseline takes everything; beta, gamma and delta hold the cart alone."""
    way = RouteBy(("x-version", "x-tag"), cookie="lane", query="lane")
    jack = rule("web", headers={"X-User": exact("jack")}, enter=True)
    jill = rule("web", headers={"X-User": exact("jill")}, enter=True)
    preview = rule("web", hosts=("pr-7.preview.test",), enter=True)
    below = rule("web", uri=prefix("/gamma/"), enter=True)
    tested = rule("web", query={"debug": regex("[1-9]")}, enter=True)
    own = rule("web", uri=exact("/own"))
    return mesh(
        [group("web cart", **{"route_by": way, **fields})],
        [
            lane("base", "web cart", rule("web")),
            lane("beta", "cart", jack, preview, own, names=("gray", "true", "1.2.0, x")),
            lane("gamma", "cart", jill, below),
            lane("delta", "cart", tested),
        ],
        SERVICES,
    )


#: Request, then the lane that it is in. ``base`` is the lane's name, ``None`` is no lane.
CASES: list[tuple[Request, str | None]] = [
    (Request(), None),
    (Request(headers={"x-user": "jack"}), "beta"),
    (Request(headers={"x-user": "jill"}), "gamma"),
    (Request(headers={"x-user": ("jill", "jack")}), "beta"),
    (Request(headers={"x-user": "jac"}), None),
    (Request(headers={"x-user": "jack", "x-lane": "base"}), "base"),
    (Request(headers={"x-user": "jack", "x-lane": "gamma"}), "gamma"),
    (Request(headers={"x-user": "jack", "x-lane": "unknown"}), "beta"),
    (Request(headers={"x-user": "jack", "x-lane": ""}), "beta"),
    (Request(headers={"x-lane": "unknown"}), None),
    (Request(headers={"x-lane": ("beta", "gamma")}), None),
    (Request(headers={"x-lane": "gray"}), "beta"),
    (Request(headers={"X-LANE": "true"}), "beta"),
    (Request(headers={"x-lane": "1.2.0, x"}), "beta"),
    (Request(headers={"x-lane": "Gray"}), None),
    (Request(headers={"x-lane": "gray"}, path="/own"), "beta"),
    (Request(headers={"x-version": "gray"}), "beta"),
    (Request(headers={"x-version": "gamma", "x-tag": "gray"}), "gamma"),
    (Request(headers={"x-version": "none", "x-tag": "gray"}), "beta"),
    (Request(headers={"x-lane": "none", "x-tag": "gamma"}), "gamma"),
    (Request(headers={"cookie": "a=b; lane=gray; lane=gamma"}), "beta"),
    (Request(headers={"cookie": ("xlane=beta", 'lane = "gamma"')}), "gamma"),
    (Request(headers={"cookie": "lane=none", "x-user": "jack"}), "beta"),
    (Request(path="/?lane=gray"), "beta"),
    (Request(path="/?x&lanes=gamma&lane=beta&lane=gamma"), "beta"),
    (Request(path="/?lane=gamma", headers={"cookie": "lane=beta"}), "beta"),
    (Request(host="pr-7.preview.test"), "beta"),
    (Request(host="PR-7.preview.test:8080", headers={"x-user": "jill"}), "beta"),
    (Request(host="pr-8.preview.test"), None),
    (Request(path="/gamma/x"), "gamma"),
    (Request(path="/gamma/x", headers={"x-user": "jack"}), "gamma"),
    (Request(path="/gamma/x", headers={"x-lane": "beta"}), "beta"),
    (Request(host="pr-7.preview.test", headers={"x-lane": "gamma"}), "gamma"),
    (Request(path="/?debug=5", headers={"x-lane": "base"}), "base"),
    (Request(path="/gamma"), None),
    (Request(path="/?debug=5"), "delta"),
    (Request(path="/?debug=0"), None),
    (Request(headers={"x-laneway-entered": "1", "x-user": "jack"}), "beta"),
]


def weighted(sticky: Sticky | None) -> Mesh:
    """30 percent of acme enter beta, 20 gamma; of the others 100 percent are gamma's by weight."""
    acme = {"x-company": exact("acme")}
    beta = rule("web", headers=acme, enter=True, weight=30, sticky=sticky)
    gamma = rule("web", headers=acme, enter=True, weight=20)
    return mesh(
        [group("web cart", trace_header="x-lane")],
        [
            lane("base", "web cart", rule("web")),
            lane("beta", "cart", beta),
            lane("gamma", "cart", rule("web"), gamma, weight=100),
        ],
        SERVICES,
    )


#: Applications of strict lanes pass on nothing.
SILENT = Applications(CALLS.calls, {})


def strict() -> Mesh:
    """A strict group: joe is plain's by its rule, whatever he names; jack enters jacks, and of acme
    30 percent enter some and 20 others, unless they name a lane."""
    acme = {"x-company": exact("acme")}
    return mesh(
        [group("web cart", mode=Mode.STRICT)],
        [
            lane("base", "web cart", rule("web")),
            lane("plain", "web cart", rule("web", headers={"x-user": exact("joe")})),
            lane("jacks", "web cart", rule("web", headers={"x-user": exact("jack")}, enter=True)),
            lane("some", "web cart", rule("web", headers=acme, enter=True, weight=30)),
            lane("others", "web cart", rule("web", headers=acme, enter=True, weight=20)),
        ],
        SERVICES,
    )


def _acme(**named: str) -> Request:
    headers = {f"x-{name}": value for name, value in named.items()}
    return Request(headers={"x-company": "acme", **headers})


#: Request, then the lanes that it may be in. ``None`` is no lane: the baseline answers.
STRICT_CASES: list[tuple[Request, set[str | None]]] = [
    (Request(), {None}),
    (Request(headers={"x-user": "joe"}), {"plain"}),
    (Request(headers={"x-user": "joe", "x-lane": "base"}), {"plain"}),
    (Request(headers={"x-user": "jack"}), {"jacks"}),
    (Request(headers={"x-user": "jack", "x-lane": "unknown"}), {"jacks"}),
    (Request(headers={"x-user": "jack", "x-lane": "base"}), {"base"}),
    (_acme(), {"some", "others", None}),
    (_acme(lane="others"), {"others"}),
    (_acme(lane="some"), {"some"}),
    (_acme(lane="base"), {"base"}),
    # Both rules are equally specific; that of a lane which the request is in comes first.
    (_acme(user="joe"), {"some", "others", "plain"}),
    (Request(headers={"x-company": "other"}), {None}),
]
