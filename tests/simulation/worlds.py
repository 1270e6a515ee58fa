"""A simulated world: a disk, lives of the server on it, its proxies, clients, and what goes wrong.

Everything follows from the seed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from structlog.testing import capture_logs
from tests.simulation import invariants
from tests.simulation.actors import Client, CountingClient, Surroundings
from tests.simulation.api_clients import Connections
from tests.simulation.envoys import Envoy
from tests.simulation.event_loop import Process, SimulatedLoop, Stuck
from tests.simulation.invariants import Ledger, Programming
from tests.simulation.manifests import POISON
from tests.simulation.network import Broken, Call
from tests.simulation.releases import Releaser
from tests.simulation.runners import SimulatedRunner
from tests.simulation.servers import Machine, Record, Server
from tests.simulation.stores import Disk, DiskStore, Fault
from tests.simulation.traces import Trace
from tests.simulation.watchers import Watcher
from tests.simulation.weather import Weather

from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import CLUSTER, LISTENER, ROUTE, SCOPE, Resource
from laneway.control.revisions import Draft
from laneway.wiring.handover import NotHandedOver

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: Virtual seconds in which everything has settled once nothing goes wrong any more.
_SETTLED = 120.0
#: Virtual seconds that the last lane of a world lives: longer than it takes to settle.
_BRIEF = 150.0


class World:
    """``run`` returns the violations that were found; ``trace`` says how it came to them."""

    def __init__(self, seed: int | str, weather: Weather | None = None) -> None:
        self.seed = seed
        self._random = Random(f"{seed}")
        self._loop = SimulatedLoop(Random(f"{seed} order"))
        self.trace = Trace(self._loop.time)
        self.weather = weather or Weather.of(self._random)
        self.violations: list[str] = []
        self.disk, self.ledger = Disk(), Ledger()
        self._programming = Programming()
        self._marks = itertools.count(1)
        self._lives = itertools.count(1)
        self._server: Server | None = None
        self._calm = False
        self._died = asyncio.Event()
        self._connections = Connections(
            lambda: self._server, self._latency, self._loses_answer, self._violated
        )
        self._surroundings = Surroundings(
            self._connections,
            self.ledger,
            self.trace,
            lambda: f"mark-{next(self._marks)}",
            lambda: len(self.disk.revisions),
            self._refused,
            self._now,
        )
        self._watchers = [self._watcher(number) for number in range(self.weather.watchers)]
        #: The Envoys that have connected to the program that lives now, and how often.
        self._connected: Counter[Envoy] = Counter()

    def run(self) -> list[str]:
        with capture_logs():
            try:
                self._loop.simulate(self._play())
            except (Stuck, AssertionError) as error:
                self._violated(str(error))
        for failure in self._loop.failures:
            self._violated(failure)
        return self.violations

    async def _play(self) -> None:
        self.trace.add("world", f"seed {self.seed}: {self.weather}")
        self._calm = True
        living = asyncio.create_task(self._live())
        await self._client("first", harmless=True).declare_first()
        self._calm = False
        weather = self.weather
        watching = [asyncio.create_task(each.run()) for each in self._watchers]
        happening = [asyncio.create_task(each) for each in self._happening()]
        clients = [self._client(f"client {n + 1}") for n in range(weather.clients)]
        await asyncio.gather(*(each.act(weather.actions, weather.pause) for each in clients))
        self._calm = True
        for task in happening:
            task.cancel()
        self.trace.add("world", "nothing goes wrong from now on")
        last = self._client("last", harmless=True)
        await last.put_right()
        if weather.lives:
            await last.write_brief_lane(_BRIEF)
        await self._settle()
        if weather.lives:
            await asyncio.sleep(_BRIEF)
            await self._settle()
        for task in (living, *watching):
            task.cancel()

    def _happening(self) -> Iterator[Coroutine[Any, Any, None]]:
        if self.weather.mishaps:
            yield self._mishaps()
        if self.weather.reloads:
            yield self._reloads()

    async def _live(self) -> None:
        """One life of the server after the other."""
        while True:
            self._died.clear()
            process = Process(f"laneway {next(self._lives)}")
            self._check(invariants.kept(self.ledger, self.disk))
            process.spawn(self._begin(process))
            await self._died.wait()
            await asyncio.sleep(self._random.uniform(0.1, 3.0))

    async def _begin(
        self, process: Process, module: str = "first", taken_over: Record | None = None
    ) -> None:
        def crash(why: str) -> None:
            self._crash(server, why)

        if taken_over is not None:
            await asyncio.sleep(self._random.uniform(0.1, 1.0))
        store = DiskStore(
            self.disk, self._now, self._latency, self._disk_fault, crash, self._submitting
        )
        server = Server(process, store, self._machine(), module, taken_over)
        self._server = server
        self._connected.clear()
        self.trace.add(process.name, f"starts at revision {store.latest}")
        await server.start()
        self.trace.add(process.name, "answers")

    def _machine(self) -> Machine:
        return Machine(
            self._loop.time,
            self._now,
            self._reported,
            self._runner,
            self._connections.finish,
            self.weather,
        )

    def _crash(self, server: Server, why: str) -> None:
        self.trace.add(server.process.name, f"is killed: {why}")
        server.process.alive = False
        server.mesh.runner.kill_all()
        self._server = None
        self._connections.break_all()
        self._died.set()

    async def _mishaps(self) -> None:
        """Something happens to a process or a connection, again and again."""
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self.weather.mishaps))
            server = self._server
            if server is None:
                continue
            runner = server.mesh.runner
            if self._random.random() < 0.1:
                self._crash(server, "by somebody")
            elif runner.envoys:
                self._mishap(runner, self._random.choice(list(runner.envoys)))

    async def _reloads(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self.weather.reloads))
            server = self._server
            if server is not None and server.api is not None:
                await asyncio.wait([server.process.spawn(self._reload(server))], timeout=100)

    async def _reload(self, server: Server) -> None:
        """Another program takes over, perhaps with another lane filter."""
        patience = self._random.choice((1.0, 10.0, 60.0))
        self.trace.add(server.process.name, f"is to be reloaded in {patience:g} s")
        try:
            record = await server.hand_over(patience)
        except NotHandedOver as error:
            self.trace.add(server.process.name, f"is not reloaded: {error}")
            return
        module = self._random.choice((server.module, f"{server.module}+"))
        process = Process(f"laneway {next(self._lives)}")
        server.process.alive = False
        server.process = process  # as by ``execve``: what kills one kills the other
        process.spawn(self._begin(process, module, record))

    def _mishap(self, runner: SimulatedRunner, node: str) -> None:
        envoy = runner.envoys[node]
        match self._random.choice(("hang", "lose", "lose", "crash", "flap")):
            case "hang":
                seconds = self._random.choice((0.5, 5.0, 15.0, 40.0))
                self.trace.add(envoy.process.name, f"hangs for {seconds:g} s")
                envoy.hang(seconds)
            case "lose":
                noticed = self._random.choice((0.0, 0.1, 3.0, 40.0))
                self.trace.add(
                    envoy.process.name, f"loses its connection; noticed in {noticed:g} s"
                )
                envoy.lose_connection(noticed)
            case "crash":
                self.trace.add(envoy.process.name, "crashes")
                runner.crash_proxy(node)
            case _:
                subject = self._random.choice(list(runner.supervisors))
                self.trace.add(str(subject), "is not ready for a while")
                runner.flap(subject)

    async def _settle(self) -> None:
        """Raises nothing: what has not settled in time is violated."""
        end = self._loop.time() + _SETTLED
        found: list[str] = ["nothing runs"]
        while found and self._loop.time() < end:
            await asyncio.sleep(2.0)
            server = self._server
            if server is not None and server.api is not None:
                found = list(invariants.converged(server, self.disk, self._now()))
                found += [each for watcher in self._watchers for each in watcher.behind()]
        self._check(found)
        self._check(invariants.kept(self.ledger, self.disk))
        if not self.weather.releases:
            self._check(invariants.counted(self.ledger, self.disk))
        self._check(invariants.released(self.ledger, self.disk))

    # What the parts are given

    def _client(self, name: str, *, harmless: bool = False) -> Client:
        weather = self.weather
        random = Random(f"{self.seed} {name}")
        kind = Releaser if weather.releases else CountingClient
        if harmless:
            return kind(name, self._surroundings, random)
        return kind(name, self._surroundings, random, weather.harm, weather.lives)

    def _watcher(self, number: int) -> Watcher:
        return Watcher(
            f"watcher {number + 1}",
            ("Lane", "LaneGroup", "Workload")[number % 3],
            self._connections,
            self.disk,
            Random(f"{self.seed} watcher {number}"),
            self.trace,
            self._violated,
        )

    def _runner(self, process: Process, before: SimulatedRunner | None) -> SimulatedRunner:
        return SimulatedRunner(process, self._random, self._start_envoy, before)

    def _start_envoy(self, node: str, generation: int) -> Envoy:
        random = Random(f"{self.seed} {node}")
        refused_types = random.choice(((), (CLUSTER,), (ROUTE,), (CLUSTER, ROUTE, SCOPE)))

        def refuses(resource: Resource) -> bool:
            return resource.type_url in refused_types and POISON.encode() in resource.body

        module = self._server.module if self._server else "first"
        envoy = Envoy(node, generation, module, self._connect, refuses, self._random, self._applied)
        self.trace.add(envoy.process.name, "starts")
        envoy.start()
        return envoy

    def _connect(self, envoy: Envoy) -> Call:
        if self._server is None:
            raise Broken
        call = self._server.accept(self._latency)
        self.trace.add(envoy.process.name, "connects")
        self._connected[envoy] += 1
        return call

    def _latency(self) -> float:
        return self._random.uniform(0.0005, self.weather.slow)

    def _now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._loop.time())

    def _chance(self, probability: float) -> bool:
        return not self._calm and self._random.random() < probability

    def _loses_answer(self) -> bool:
        return self._chance(self.weather.lost_answers)

    def _disk_fault(self) -> Fault:
        if not self._chance(self.weather.disk):
            return Fault.NONE
        full = self._random.random() < 0.5
        return Fault.FULL if full else self._random.choice((Fault.CRASH_BEFORE, Fault.CRASH_AFTER))

    # What is observed

    def _applied(self, envoy: Envoy, push: Push, refused: list[Resource]) -> None:
        kind = push.type_url.rpartition(".")[2]
        names = " ".join(each.name for each in push.resources)
        gone = f" -{' -'.join(push.removed)}" if push.removed else ""
        verdict = f" REFUSED {' '.join(each.name for each in refused)}" if refused else ""
        self.trace.add(envoy.process.name, f"{kind} {names}{gone}{verdict}")
        server = self._server
        if server is None:
            return
        if self._connected[envoy] == 1:
            self._check(invariants.told_once(envoy))
        if self._connected[envoy]:
            self._check(invariants.of_its_module(envoy, server, push))
        if push.type_url in (LISTENER, ROUTE, SCOPE):
            self._check(invariants.in_step(envoy, server, self._loop.time()))

    def _refused(self, mark: str) -> None:
        """A client hears that its change set was refused."""
        if self._server is not None:
            self._check(invariants.taken_back(mark, self._server, self._loop.time()))

    def _submitting(self, draft: Draft) -> None:
        if self._server is None:
            return
        keys = " ".join(key.name for key in draft.writes)
        self.trace.add(self._server.process.name, f"appends {draft.reason}: {keys}")
        now, today = self._loop.time(), self._now()
        found = self._programming.submitted(draft, self._server, now, today)
        # A rollback is in force before it is written, and has marks that were written before.
        self._check(found if not self._connections.handles("/rollbacks") else ())

    def _reported(self, text: str) -> None:
        self.trace.add("laneway", f"reports: {text[:300]}")

    def _check(self, found: Iterable[str]) -> None:
        for each in found:
            self._violated(each)

    def _violated(self, what: str) -> None:
        if what not in self.violations:
            self.violations.append(what)
            self.trace.add("VIOLATION", what)
