"""What must hold, whatever fails: checked at each step, and when everything has healed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from tests.adapters.xds.envoy_models import used_clusters
from tests.simulation.envoys import Envoy
from tests.simulation.manifests import COUNT, GROUP, mark_of, marks_in
from tests.simulation.servers import OPTIONS, Server
from tests.simulation.stores import Disk

from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.apiserver.rollbacks import declared_part
from laneway.compile.envoy.emitter import Emitter
from laneway.compile.envoy.limits import check
from laneway.compile.incremental_lowering import Lowerer
from laneway.compile.resources import CLUSTER, PUSH_ORDER, ROUTE, Resource, Snapshot
from laneway.control.revisions import Draft, Manifest, ObjectId, StoredObject
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.times import timestamp
from laneway.wiring.declared_runtime import initial
from laneway.wiring.fleets import sidecar_node
from laneway.wiring.reconciliation import STATUS
from laneway.wiring.stored_declarations import declared_at_start

#: Virtual seconds in which a proxy that hung has caught up.
_CAUGHT_UP = 10.0


@dataclass
class Ledger:
    """What clients were told of their writes, by the mark of each."""

    #: The objects that a request writes.
    written: dict[str, frozenset[ObjectId]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    #: Deletions: the object, and the revisions between which it was deleted.
    deleted: list[tuple[ObjectId, int, int]] = field(default_factory=list)
    counted: int = 0
    perhaps_counted: int = 0
    #: Promotions: the revision, and the baselines that it sets, by service.
    promoted: list[tuple[int, Mapping[str, str | None]]] = field(default_factory=list)
    #: Rollbacks: the revision, the one that it returns to, and the last one when it was asked for.
    rolled_back: list[tuple[int, int, int]] = field(default_factory=list)


def kept(ledger: Ledger, disk: Disk) -> Iterator[str]:
    """Nothing that was acknowledged is lost, what was refused was never written, and what belongs
    together was written together."""
    numbers = [revision.number for revision in disk.revisions]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the numbers of revisions have gaps: {numbers}"
    found: dict[str, tuple[int, set[ObjectId]]] = {}
    for revision in disk.revisions:
        if revision.draft.reason == STATUS:
            continue
        for key, manifest in revision.draft.writes.items():
            if manifest is not None:
                found.setdefault(mark_of(manifest), (revision.number, set()))[1].add(key)
    for mark, number in ledger.acknowledged.items():
        if found.get(mark, (0,))[0] != number:
            yield f"{mark} was acknowledged as revision {number}, which does not have it"
    for mark in ledger.refused & found.keys():
        yield f"{mark} was refused, and is revision {found[mark][0]}"
    for mark, (number, keys) in found.items():
        if mark in ledger.written and keys != ledger.written[mark]:
            yield f"revision {number} has a part of {mark}: {sorted(map(str, keys))}"
    for key, after, until in ledger.deleted:
        between = disk.revisions[after:until]
        if not any(each.draft.writes.get(key, "") is None for each in between):
            yield f"{key} was deleted, says the server; no revision does"


def counted(ledger: Ledger, disk: Disk) -> Iterator[str]:
    """No increment of one client is overwritten by another."""
    groups = [o.manifest for k, o in disk.objects().items() if k.name == GROUP]
    count = int(groups[0]["metadata"]["annotations"].get(COUNT, "0")) if groups else 0
    most = ledger.counted + ledger.perhaps_counted
    if not ledger.counted <= count <= most:
        yield f"{ledger.counted} to {most} increments were made, and the count is {count}"


def released(ledger: Ledger, disk: Disk) -> Iterator[str]:
    """A promotion sets just its baselines, and a rollback restores all objects, but for what others
    wrote meanwhile."""
    for number, baselines in ledger.promoted:
        has = [
            (manifest or {}).get("spec", {}).get("serviceBaselines", {})
            for key, manifest in disk.revisions[number - 1].draft.writes.items()
            if key.name == GROUP
        ]
        if not has or any(has[0].get(service) != lane for service, lane in baselines.items()):
            yield f"revision {number} promotes {baselines}, and the group has {has}"
    for number, target, before in ledger.rolled_back:
        wanted, found = _declared(disk.objects(target)), _declared(disk.objects(number))
        meanwhile = {
            key
            for revision in disk.revisions[before : number - 1]
            if revision.draft.reason != STATUS
            for key in revision.draft.writes
        }
        for key in (wanted.keys() | found.keys()) - meanwhile:
            if wanted.get(key) != found.get(key):
                yield f"revision {number} returns to {target}, and {key} is {found.get(key)}"


def _declared(objects: Mapping[ObjectId, StoredObject]) -> Mapping[ObjectId, Manifest]:
    return {key: declared_part(stored.manifest) for key, stored in objects.items()}


class Programming:
    """Which marks were written when, and what statuses claim of them."""

    def __init__(self) -> None:
        self._written: dict[str, float] = {}

    def submitted(self, draft: Draft, server: Server, now: float, today: datetime) -> Iterator[str]:
        """Of each draft before it is kept. A status that says that proxies have acknowledged a lane
        is true of each gateway that the server knows to be connected."""
        for key, manifest in draft.writes.items():
            if manifest is None:
                continue
            if draft.reason != STATUS:
                self._written.setdefault(mark_of(manifest), now)
            elif key.resource.startswith("lanes.") and _is_programmed(manifest, today):
                yield from self._untrue(key, manifest, server)

    def _untrue(self, key: ObjectId, manifest: Manifest, server: Server) -> Iterator[str]:
        mark = _mark_of_rules(manifest)
        for envoy in server.mesh.runner.envoys.values():
            known = envoy.is_answered and server.mesh.registry.status(envoy.node).connected
            if not envoy.node.startswith("router") or not known:
                continue
            marks = route_marks(envoy)
            if marks - self._written.keys():
                continue  # a change set that is under way, and is written when it is in force
            if mark not in marks:
                yield f"the status of {key} says that {envoy.node} has {mark}, and it has not"


def _is_programmed(manifest: Manifest, today: datetime) -> bool:
    """A lane that has just expired leaves proxies before its status says so."""
    if manifest["spec"].get("expiresAt", "9999") <= timestamp(today):
        return False
    conditions = {c["type"]: c for c in manifest["status"]["conditions"]}
    programmed = conditions["Programmed"]
    return bool(
        programmed["status"] == "True"
        and programmed["reason"] == "AcknowledgedByProxies"
        and programmed["observedGeneration"] == manifest["metadata"]["generation"]
    )


def _mark_of_rules(manifest: Manifest) -> str:
    value: str = manifest["spec"]["ingress"][0]["headers"]["x-mark"]["exact"]
    return value.partition(".")[0]


def route_marks(envoy: Envoy) -> frozenset[str]:
    routes = envoy.model.config[ROUTE].values()
    return frozenset(mark for each in routes for mark in marks_in(each.body))


def in_step(envoy: Envoy, server: Server, now: float) -> Iterator[str]:
    """A proxy that takes routes uses no cluster that another one has not been given yet, which
    would send requests on by the old routes.

    Routes do not count if the proxy should have others by now and has refused them: it may refuse
    the routes of a change, and those to which the others return.
    """
    if not _is_waited_for(envoy, server, now):
        return
    stuck = _not_replaced(envoy, server)
    used = {
        name
        for each in envoy.model.config[ROUTE].values()
        if each.name not in stuck
        for name in used_clusters(each)
        if name.startswith("outbound|")
    }
    ending = {
        sidecar_node(each.placement) for each in server.mesh.control_plane.placements.terminating
    }
    for other in server.mesh.runner.envoys.values():
        if other is envoy or not _is_waited_for(other, server, now):
            continue
        if other.node in ending:
            continue  # it was started by a change that is taken back, and has nothing of before
        refused = {each.name for each in other.model.refused}
        # One that has just started is not given what is about to be removed.
        should = {
            each.name
            for each in server.mesh.registry.resources(other.node)
            if each.type_url == CLUSTER
        }
        missing = (used & should) - other.model.config[CLUSTER].keys() - refused
        if missing:
            yield f"{envoy.node} uses {sorted(missing)}, which {other.node} has not got yet"


def _not_replaced(envoy: Envoy, server: Server) -> frozenset[str]:
    """The routes of which the proxy has refused what it was sent last. After a response that was
    refused, its resources are sent one by one, and nothing counts as sent until then."""
    refused = {(each.name, each.version) for each in envoy.model.refused if each.type_url == ROUTE}
    names = {name for name, _ in refused}
    return frozenset(
        each.name
        for each in server.mesh.registry.status(envoy.node).resources
        if each.type_url == ROUTE
        and ((each.name, each.sent) in refused or (each.name in names and not each.sent))
    )


def told_once(envoy: Envoy) -> Iterator[str]:
    """A proxy that connects to another program is sent nothing that it has. Later responses repeat
    the endpoints of clusters that have changed, which Envoy waits for."""
    if envoy.is_first_response and envoy.repeated:
        yield f"{envoy.node} is sent {envoy.repeated} again"


def of_its_module(envoy: Envoy, server: Server, push: Push) -> Iterator[str]:
    """No proxy is configured for a lane filter that it has not loaded."""
    if push.resources and envoy.module != server.module and not envoy.is_irreplaceable:
        yield f"{envoy.process.name} has lane filter {envoy.module}, not {server.module}"


def taken_back(mark: str, server: Server, now: float) -> Iterator[str]:
    """What was just refused as a whole is in no proxy any more."""
    for envoy in server.mesh.runner.envoys.values():
        if _is_waited_for(envoy, server, now) and mark in route_marks(envoy):
            yield f"{mark} was refused, and {envoy.node} has it"


def _is_waited_for(envoy: Envoy, server: Server, now: float) -> bool:
    """Changes wait for proxies that are connected, have once settled, and answer."""
    status = server.mesh.registry.status(envoy.node)
    connected = status.connected and status.greeted and envoy.is_answered
    hung = envoy.hung_until > now - _CAUGHT_UP
    return connected and not hung and envoy.node in server.mesh.control_plane.nodes


def expected_mesh(disk: Disk, now: datetime) -> Mesh:
    """What is declared, by a laneway that has just started."""
    state = initial(declared_at_start(disk.objects()), check)
    return active(state.mesh, now)


def converged(server: Server, disk: Disk, now: datetime) -> Iterator[str]:
    """The mesh is what the store declares, and each proxy has just what it should have."""
    wanted, running = expected_mesh(disk, now), server.mesh.control_plane.mesh
    if wanted != running:
        yield from _mesh_differences(wanted, running)
        return
    placements = server.mesh.control_plane.placements
    snapshots = Emitter(OPTIONS)(wanted, Lowerer()(wanted), placements)
    envoys = server.mesh.runner.envoys
    if snapshots.keys() != envoys.keys():
        yield f"proxies run: {sorted(envoys)}; they should be {sorted(snapshots)}"
        return
    for node, snapshot in snapshots.items():
        yield from _differences(envoys[node], snapshot)
    yield from not_served(server)
    for key, stored in disk.objects().items():
        if key.resource in ("lanes.laneway.dev", "lanegroups.laneway.dev"):
            yield from _unsettled(key, stored.manifest, wanted)


def _mesh_differences(wanted: Mesh, running: Mesh) -> Iterator[str]:
    for each in fields(Mesh):
        should, does = getattr(wanted, each.name), getattr(running, each.name)
        if should != does:
            yield f"the {each.name} that run are not those declared:\n  {does}\n  {should}"


def _differences(envoy: Envoy, snapshot: Snapshot) -> Iterator[str]:
    for type_url in PUSH_ORDER:
        should, has = snapshot.resources(type_url), envoy.model.config[type_url]
        if _versions(should) != _versions(has):
            names = {*should, *has}
            wrong = sorted(n for n in names if _version(should, n) != _version(has, n))
            yield f"{envoy.node} differs in {type_url.rpartition('.')[2]}: {wrong}"


def _versions(resources: Mapping[str, Resource]) -> dict[str, str]:
    return {name: each.version for name, each in resources.items()}


def _version(resources: Mapping[str, Resource], name: str) -> str:
    return resources[name].version if name in resources else ""


def not_served(server: Server) -> Iterator[str]:
    """A workload receives requests if, and only if, it is ready."""
    ready = server.mesh.control_plane.placements.ready
    for workload in server.mesh.mesh.workloads_by_name:
        is_ready = server.mesh.is_ready(workload)
        if (workload in ready) != is_ready:
            yield f"{workload} is {'ready' if is_ready else 'not ready'}, and endpoints differ"


def _unsettled(key: ObjectId, manifest: Manifest, wanted: Mesh) -> Iterator[str]:
    status = manifest.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", ())}
    generation = manifest["metadata"]["generation"]
    if status.get("observedGeneration") != generation:
        yield f"the status of {key} is of generation {status.get('observedGeneration')}"
    if conditions.get("Accepted", {}).get("status") != "True":
        yield f"{key} is not accepted: {conditions.get('Accepted')}"
    is_lane = key.resource.startswith("lanes.")
    counts = not is_lane or any(lane.name == key.name for lane in wanted.lanes)
    programmed = conditions.get("Programmed", {})
    right = ("True", "AcknowledgedByProxies") if counts else ("False", "Expired")
    if (programmed.get("status"), programmed.get("reason")) != right:
        yield f"{key} is {programmed}, and should be {right}"
