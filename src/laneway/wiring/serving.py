"""``laneway serve``: a store, the mesh that it declares, and the API in front of both.

It starts the store, then the mesh as it was declared last, then the API, so that clients of the API
see a running mesh. It stops in the opposite order.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Self

from laneway.adapters.files import Reading
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.store.locking import StoreLock
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.adapters.store.tokens import MemoryTokens, SqliteTokens
from laneway.apiserver.lane_status import Proxies, proxies_of
from laneway.apiserver.resources import served
from laneway.apiserver.tokens import TokenStore
from laneway.control import events
from laneway.control.declared import NotProgrammed, Request, Writes
from laneway.control.revisions import Draft, RevisionStore
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload
from laneway.operator.ready_instances import Instances
from laneway.wiring.compactions import compact_regularly
from laneway.wiring.document_objects import DocumentObjects
from laneway.wiring.embedded import Embedded
from laneway.wiring.file_objects import FileObjects, as_declared
from laneway.wiring.handover import Handover, RunningMesh
from laneway.wiring.lane_expiry import follow_expiry, utc_now
from laneway.wiring.lane_traffic import LaneTraffic
from laneway.wiring.quiescence import quiescent
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.serve_settings import ServeSettings as ServeSettings
from laneway.wiring.serve_settings import Tls as Tls
from laneway.wiring.serve_settings import check_console
from laneway.wiring.serving_api import Backend, ServingApi
from laneway.wiring.source_watching import SourceFollower
from laneway.wiring.stored_declarations import STORE, declared_at_start
from laneway.wiring.uids import new_uid
from laneway.wiring.workload_instances import WorkloadInstances

#: The field manager of an example's objects.
EXAMPLE = "example"


class Serving:
    """An async context: inside, the API is answered.

    ``files`` are the objects at the beginning if files declare the mesh; pass later contents of the
    files to ``show``. ``example`` are objects to begin with that anybody may change. With either,
    the store is in memory. ``taken_over`` is what the program before this one handed over (see
    ``hand_over``).
    """

    def __init__(
        self,
        settings: ServeSettings,
        on_event: Callable[[events.Event], None] = lambda event: None,
        report: Callable[[str], None] = lambda text: None,
        *,
        files: Reading | None = None,
        example: Reading | None = None,
        taken_over: Handover | None = None,
    ) -> None:
        assert [files, example, settings.data].count(None) == 2
        self._settings = settings
        self._on_event = on_event
        self._report = report
        self._files = files
        self._example = example
        self._taken_over = taken_over
        self._stack = AsyncExitStack()
        self._reconciliation: Reconciliation | None = None
        self._following: list[asyncio.Task[None]] = []
        problems = taken_over.problems if taken_over else {}
        self._workloads = WorkloadInstances(
            {ObjectName.of(name): problem for name, problem in problems.items()}
        )
        self._sources = SourceFollower(self._started, self._start_anew, self._heard)

    async def __aenter__(self) -> Self:
        """Raises ``StoreError``, ``ServerUnusable``, and what ``Embedded`` raises."""
        settings = self._settings
        check_console(settings)
        async with AsyncExitStack() as stack:
            self.store, self.tokens = store, _ = await self._open_store(stack)
            self._events = RecentEvents(store, utc_now)
            stack.callback(self._events.close)
            whole = await self._start_mesh(stack, store)
            self.folder = self._settings.data or self.embedded.run_dir
            self._traffic = _lane_traffic(self.embedded)
            declarations = self.embedded.declarations
            self._events.active = lambda: declarations.active
            self._reconciliation = self._reconciling(store, started=whole)
            self.follow()
            stack.push_async_callback(self.stop_following)
            if self._files is not None:
                self._shown = self._file_objects(store, self._reconciliation)
                await self.show(self._files)
            self._api = self._made_api(store, self._reconciliation)
            listening = self._taken_over.listening if self._taken_over else {}
            await self._api.open(
                {address: socket.socket(fileno=each) for address, each in listening.items()}
            )
            stack.push_async_callback(self._api.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def hand_over(self, seconds: float) -> Handover:
        """Stops all but the processes of the mesh, for a program that replaces this one.

        Waits for ``seconds`` until nothing is under way. Raises ``NotHandedOver``, and then all
        goes on as before. When it has returned, nothing may be waited for until the program is
        replaced.
        """
        assert isinstance(self.store, SqliteStore)
        async with quiescent(self, seconds) as listening:
            await self.embedded.disconnect()
            lock = await self.store.hand_over()
            return Handover(
                self.embedded.hand_over(),
                lock,
                {address: each.detach() for address, each in listening.items()},
                {str(name): problem for name, problem in self._workloads.problems().items()},
            )

    # ``Replaceable``

    def unchanging(self) -> AbstractAsyncContextManager[None]:
        return self.embedded.unchanging()

    def check_recordable(self) -> None:
        self.embedded.check_recordable()

    async def caught_up(self) -> None:
        assert self._reconciliation is not None
        await self._reconciliation.caught_up()

    async def close_api(self) -> Mapping[str, socket.socket]:
        return await self._api.close_for_successor()

    async def open_api(self, listening: Mapping[str, socket.socket]) -> None:
        await self._api.open(listening)

    def follow(self) -> None:
        """Start what goes on as long as the mesh runs."""
        assert self._reconciliation is not None
        first = (self._become_declared,) if self._taken_over else ()
        following = [
            self._reconciliation.run(*first),
            compact_regularly(self.store, self._settings.history, utc_now, self._report),
            self._sources.run(),
        ]
        if self._files is None:
            following.append(self._follow_expiry())
        self._following = [asyncio.create_task(each) for each in following]

    async def stop_following(self) -> None:
        while self._following:
            task = self._following.pop()
            task.cancel()
            await asyncio.wait([task])

    async def _become_declared(self) -> None:
        """What was taken over may differ from what is declared by now, and by this version."""
        await self.embedded.wait_reconnected()
        outcome = await self.embedded.declarations.take_over()
        if isinstance(outcome, NotProgrammed):
            self._report(f"the mesh stays as it was before: {outcome}")

    @property
    def address(self) -> str:
        """The URL at which the API listens for TCP; "" if it does not."""
        return self._api.address

    @property
    def console_built(self) -> bool:
        return self._api.console_built

    @property
    def console_address(self) -> str:
        """Its URL; "" where it is not shown."""
        return self._api.console_address

    def sign_in_link(self) -> str:
        """A URL that signs one browser in."""
        return self._api.sign_in_link()

    async def show(self, files: Reading) -> None:
        """Have the API show what files declare, once it is applied to ``embedded``."""
        await self._shown.show(files.documents)

    async def _open_store(
        self, stack: AsyncExitStack
    ) -> tuple[MemoryStore | SqliteStore, TokenStore]:
        """Raises ``StoreError``."""
        if self._settings.data is None:
            memory = MemoryStore(utc_now)
            if self._example is not None:
                await memory.append(self._example_objects(self._example), expected=0)
            return memory, MemoryTokens()
        lock = StoreLock(self._taken_over.store) if self._taken_over else None
        store = SqliteStore.open(self._settings.data / "store", utc_now, lock)
        stack.push_async_callback(store.close)
        return store, await SqliteTokens.read(store)

    def _example_objects(self, example: Reading) -> Draft:
        keyed = DocumentObjects(served(), EXAMPLE, utc_now, new_uid)
        objects = dict(keyed.created(document) for document in example.documents)
        return Draft(objects, "laneway", EXAMPLE, "the example")

    def _file_objects(self, store: RevisionStore, reconciliation: Reconciliation) -> FileObjects:
        return FileObjects(store, reconciliation, served(), utc_now, new_uid, self._report)

    async def _follow_expiry(self) -> None:
        declarations = self.embedded.declarations
        await follow_expiry(
            lambda: declarations.state.mesh, self._renew, declarations.changed, utc_now
        )

    async def _renew(self) -> bool:
        """Take out the lanes that have expired; statuses follow."""
        outcome = await self.embedded.declarations.renew()
        self._events.look()
        if self._reconciliation is not None:
            self._reconciliation.wake()
        return not isinstance(outcome, NotProgrammed)

    async def _start_mesh(self, stack: AsyncExitStack, store: RevisionStore) -> bool:
        """False if it starts with nothing, because not everything in the store can be started.

        Then objects are applied one by one, and the statuses say which cannot. What files declare,
        an example, and what was taken over start whole, or not at all.
        """
        running = self._taken_over.mesh if self._taken_over else None
        whole: Request = declared_at_start(store.objects)
        if self._files is not None:
            whole = as_declared(self._files)
        try:
            self.embedded = await stack.enter_async_context(self._mesh(whole, running))
        except (RunnerError, OSError) as error:
            if self._settings.data is None or running is not None:
                raise
            # What keeps the mesh as such from starting is raised again here.
            self.embedded = await stack.enter_async_context(self._mesh(Writes(STORE, ())))
            self._report(f"not everything can be started: {error}")
            return False
        return True

    def _mesh(self, declared: Request, running: RunningMesh | None = None) -> Embedded:
        return Embedded(
            declared,
            self._settings.mesh,
            self._heard,
            on_proxy=lambda _: self._wake(),
            running=running,
        )

    def _reconciling(self, store: RevisionStore, *, started: bool) -> Reconciliation:
        return Reconciliation(
            store,
            self.embedded.declarations,
            self._proxies,
            self._instances,
            utc_now,
            self._report,
            started=started,
        )

    def _made_api(
        self, store: MemoryStore | SqliteStore, reconciliation: Reconciliation
    ) -> ServingApi:
        backend = Backend(
            self.folder,
            store,
            self.tokens,
            self.embedded,
            reconciliation,
            self._traffic,
            self._events,
            self._workloads.problems,
            (lambda manifest: False) if self._files is None else self._shown.declares,
        )
        return ServingApi(self._settings, backend)

    async def _start_anew(self, name: ObjectName) -> None:
        await self.embedded.start_workload(name)

    def _started(self) -> dict[ObjectName, Workload]:
        """The workloads that laneway keeps running: none that was stopped."""
        workloads = self.embedded.mesh.workloads_by_name
        statuses = self.embedded.workloads()
        return {each.name: workloads[each.name] for each in statuses if each.name in workloads}

    def _heard(self, event: events.Event) -> None:
        self._on_event(event)
        self._workloads.hear(event)
        self._sources.hear(event)
        self._events.tell(event)
        self._wake()

    def _wake(self) -> None:
        if self._reconciliation is not None:
            self._reconciliation.wake()
            self._events.look()

    def _proxies(self) -> Proxies:
        return proxies_of(self.embedded.proxies(), self.embedded.control_plane.is_behind)

    def _instances(self, lane: Lane) -> tuple[Instances, ...]:
        return self._workloads.of(lane, self.embedded)


def _lane_traffic(embedded: Embedded) -> LaneTraffic:
    declarations = embedded.declarations
    return LaneTraffic(
        embedded.proxies, lambda: declarations.active, embedded.figures, time.monotonic
    )
