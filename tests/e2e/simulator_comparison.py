"""The law: what a request really went through is what the simulator says of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tests.e2e.live_meshes import LiveMesh, Path, Seen

from laneway.compile.envoy.names import UNREACHABLE_HEADER
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Hop, Outcome, Request, simulate
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_actions import NO_CHANGES

#: Proxies acknowledge before their workers know: so often is a request made again, with a pause.
ATTEMPTS = 3
#: Headers that rules of random meshes change, and nobody else.
_CHANGED = {"x-env", "x-via", "x-beta"}


def possible(
    mesh: Mesh,
    request: Request,
    port: int | None,
    applications: Applications,
    alive: Collection[ObjectName],
) -> list[Outcome]:
    """Every outcome that the simulator allows: several where lanes or rules have weights."""
    routes = lower(mesh)
    draws = range(100) if has_weights(mesh) else range(1)
    outcomes: list[Outcome] = []
    for draw in draws:
        outcome = simulate(
            mesh, routes, request, port=port, applications=applications, ready=alive, draw=draw
        )
        if outcome not in outcomes:
            outcomes.append(outcome)
    return outcomes


def has_weights(mesh: Mesh) -> bool:
    rules = (rule for lane in mesh.lanes for rule in lane.ingress)
    return any(lane.weight for lane in mesh.lanes) or any(rule.weight < 100 for rule in rules)


def disagreement(mesh: Mesh, outcomes: Iterable[Outcome], path: Path) -> str | None:
    """Why ``path`` is none of ``outcomes``; ``None`` if it is one."""
    reasons = [_difference(mesh, outcome, path) for outcome in outcomes]
    return None if None in reasons else "; or ".join(map(str, reasons))


def hold(
    live: LiveMesh,
    mesh: Mesh,
    requests: Iterable[Request],
    port: int | None,
    applications: Applications,
    alive: Collection[ObjectName],
) -> int:
    """Make the request, again as long as proxies may not know yet; raise where they disagree.

    ``requests`` are the same one with ever other trace ids. Returns how many it took.
    """
    reasons = []
    for number, request in enumerate(requests, start=1):
        outcomes = possible(mesh, request, port, applications, alive)
        path = live.ask(request, port)
        reason = disagreement(mesh, outcomes, path)
        if reason is None:
            return number
        reasons.append(f"{reason}\n    {path}")
        live.pause()
    raise AssertionError(f"{reasons[-1]}\n    (first: {reasons[0]})")


def _difference(mesh: Mesh, outcome: Outcome, path: Path) -> str | None:
    expected = [hop for hop in outcome.hops if hop.workloads]
    for hop, seen in zip(expected, path.hops, strict=False):
        if reason := _hop_difference(mesh, hop, seen):
            return reason
    if len(expected) != len(path.hops):
        return f"{len(expected)} hops expected, {len(path.hops)} made"
    return _action_difference(outcome, path) or _end_difference(outcome, path)


def _action_difference(outcome: Outcome, path: Path) -> str | None:
    """What the gateway's rule has made of the request, and of a service's answer."""
    if outcome.sent is None or not path.hops:
        return None
    entered, sent = path.hops[0], outcome.sent
    got = (entered.target, entered.headers.get("host"))
    if got != (sent.path, sent.host):
        return f"expected the request to be for {sent.host}{sent.path}, got {got[1]}{got[0]}"
    for name in sorted(_CHANGED):
        expected = ",".join(sent.header_lines.get(name, ())) if name in sent.header_lines else None
        if entered.headers.get(name) != expected:
            return f"expected {name}: {expected}, got {entered.headers.get(name)}"
    changes = outcome.response_headers if outcome.failure is None else NO_CHANGES
    for name, value in (*changes.set, *changes.add):
        if path.headers.get(name) != value:
            return f"expected {name}: {value} in the answer, got {path.headers.get(name)}"
    for name in changes.remove:
        if name in path.headers:
            return f"expected no {name} in the answer, got {path.headers[name]}"
    return None


def _hop_difference(mesh: Mesh, hop: Hop, seen: Seen) -> str | None:
    service = mesh.services_by_name[hop.service].port(hop.port)
    workload = mesh.workloads_by_name[seen.workload]
    port = workload.port(service.workload_port) if service else None
    if seen.workload not in hop.workloads or port is None or port.number != seen.port:
        who = ", ".join(map(str, hop.workloads))
        return f"{hop.service}:{hop.port} is {who}'s, answered by {seen.workload}:{seen.port}"
    named = [seen.headers.get(header, "") for header in _lane_headers(mesh, hop)]
    if (hop.intended or "") not in (named or [""]):
        return f"{seen.workload} expected lane {hop.intended} to be named, got {named}"
    return None


def _lane_headers(mesh: Mesh, hop: Hop) -> list[str]:
    """Those that may have decided this hop; at the gateway, any group's."""
    group = mesh.groups_by_service.get(hop.service)
    groups = mesh.groups if hop.caller is None else [group] if group else []
    return [one.route_header.lower() for one in groups]


def _end_difference(outcome: Outcome, path: Path) -> str | None:
    failure, refusal = outcome.failure, path.refusal
    if failure is None or refusal is None:
        if failure is None and refusal is None:
            return None
        return f"expected {failure or 'an answer'}, got {refusal or 'an answer'}"
    if failure.status != refusal.status:
        return f"expected {failure}, got {refusal}"
    if refusal.status == 404 and not refusal.body.startswith("laneway: "):
        return f"the refusal is not explained: {refusal}"
    if refusal.status == 503:
        service = str(outcome.hops[-1].service)
        # A workload's own sidecar names nothing to callers inside the mesh, who do not ask.
        told = refusal.headers.get("x-laneway-service") == service
        unreachable = refusal.headers.get(UNREACHABLE_HEADER) is not None
        if not refusal.body.startswith("laneway: ") or not (told or unreachable):
            return f"the refusal for {service} is not explained: {refusal}"
    return None
