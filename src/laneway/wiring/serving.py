"""``laneway serve``: a store, the mesh that it declares, and the API in front of both.

It starts the store, then the mesh as it was declared last, then the API, so that clients of the API
see a running mesh. It stops in the opposite order.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Self

from laneway import __version__
from laneway.adapters.files import Reading
from laneway.adapters.files.yamls import one_document
from laneway.adapters.http import console_files
from laneway.adapters.http.administration import AdministrationEndpoints
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.certificates import given_context, server_context
from laneway.adapters.http.console_endpoints import ConsoleEndpoints, sign_in_url
from laneway.adapters.http.console_files import ConsoleFiles
from laneway.adapters.http.metrics import RequestCounts
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.processes import ProcessEndpoints
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.http.virtual_objects import VirtualEndpoints
from laneway.adapters.http.watches import Watches
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.store.locking import StoreLock
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.adapters.store.tokens import MemoryTokens, SqliteTokens
from laneway.apiserver.lane_status import Proxies, proxies_of
from laneway.apiserver.resources import served
from laneway.apiserver.sign_in_codes import SignInCodes
from laneway.apiserver.tokens import TokenStore
from laneway.apiserver.virtual_resources import VIRTUAL
from laneway.control import events
from laneway.control.declared import NotProgrammed, Request, Writes
from laneway.control.revisions import Draft, RevisionStore
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload
from laneway.operator.ready_instances import Instances
from laneway.wiring.api_kinds import ApiKinds, api_kinds
from laneway.wiring.compactions import compact_regularly
from laneway.wiring.console_paths import console_folder
from laneway.wiring.document_objects import DocumentObjects
from laneway.wiring.embedded import Embedded
from laneway.wiring.file_objects import FileObjects, as_declared
from laneway.wiring.handover import Handover, RunningMesh
from laneway.wiring.lane_expiry import follow_expiry, utc_now
from laneway.wiring.lane_traffic import LaneTraffic
from laneway.wiring.live_lists import follow_all
from laneway.wiring.processes import Processes
from laneway.wiring.quiescence import quiescent
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.request_trials import RequestTrials
from laneway.wiring.running_lists import RunningLists
from laneway.wiring.serve_settings import ServeSettings as ServeSettings
from laneway.wiring.serve_settings import Tls as Tls
from laneway.wiring.serve_settings import check_console
from laneway.wiring.serving_operations import operations
from laneway.wiring.source_watching import SourceFollower
from laneway.wiring.stored_declarations import STORE, declared_at_start
from laneway.wiring.workload_instances import WorkloadInstances

#: The field manager of an example's objects.
EXAMPLE = "example"
#: Seconds for requests to the API that are being answered when a program hands over.
_ANSWERING = 20.0


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
        self.address = self._plain_address = ""
        self._codes = SignInCodes()

    async def __aenter__(self) -> Self:
        """Raises ``StoreError``, ``ServerUnusable``, and what ``Embedded`` raises."""
        settings = self._settings
        self._pages = ConsoleFiles(console_folder)
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
            listening = self._taken_over.listening if self._taken_over else {}
            await self.open_api(
                {address: socket.socket(fileno=each) for address, each in listening.items()}
            )
            stack.push_async_callback(lambda: self._api.aclose())
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
        listening = await self._server_of_api.keep_listening(_ANSWERING)
        await self._api.aclose()
        return listening

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
            await _cancelled(self._following.pop())

    async def _become_declared(self) -> None:
        """What was taken over may differ from what is declared by now, and by this version."""
        await self.embedded.wait_reconnected()
        outcome = await self.embedded.declarations.take_over()
        if isinstance(outcome, NotProgrammed):
            self._report(f"the mesh stays as it was before: {outcome}")

    async def open_api(self, listening: Mapping[str, socket.socket]) -> None:
        """Raises ``ServerUnusable``. Sockets in ``listening`` are used again."""
        assert self._reconciliation is not None
        store, reconciliation, tokens = self.store, self._reconciliation, self.tokens
        settings = self._settings
        async with AsyncExitStack() as stack:
            kinds = self._api_kinds(store, reconciliation)
            following = asyncio.create_task(follow_all(kinds.lists))
            stack.push_async_callback(_cancelled, following)
            watches = Watches(store, others=[each.watches for each in kinds.lists])
            administration = AdministrationEndpoints(
                tokens,
                watches,
                one_document,
                utc_now,
                os.urandom,
                lambda: reconciliation.began,
                self._server,
            )
            processes = ProcessEndpoints(
                Processes(self.embedded, reconciliation, self._workloads.problems), one_document
            )
            objects = ObjectEndpoints(store, watches, utc_now, _uid, one_document)
            virtual = VirtualEndpoints(VIRTUAL, kinds.answering, kinds.live, one_document, utc_now)
            console = [*self._pages.routes, *self._console(tokens, watches).routes]
            more = [
                *console,
                *administration.routes,
                *operations(
                    store,
                    self.embedded,
                    self._traffic,
                    reconciliation,
                    watches,
                    lambda: self._requests.family(),
                ),
                *virtual.routes,
                *processes.routes,
            ]
            app = application(served(), objects, __version__, more, VIRTUAL)
            guarded = Authentication(app, tokens.by_id, _user(), settings.hosts, utc_now)
            self._requests = RequestCounts(guarded)
            plain = TcpEndpoint(*settings.console, None) if settings.console else None
            server = self._server_of_api = ApiServer(
                self._requests, self.folder / "api.sock", self._tcp(), plain, listening
            )
            await stack.enter_async_context(server)
            server.on_stop(processes.close)
            server.on_stop(watches.close)  # before the server waits for its streams
            self._note_addresses(server)
            self._api = stack.pop_all()

    def sign_in_link(self) -> str:
        """A URL that signs one browser in."""
        code = self._codes.issue(os.urandom(32), utc_now())
        return sign_in_url(self.console_address, code)

    def _console(self, tokens: TokenStore, watches: Watches) -> ConsoleEndpoints:
        return ConsoleEndpoints(
            served(),
            watches,
            tokens,
            self._codes,
            one_document,
            utc_now,
            os.urandom,
            lambda: self.console_address,
            (lambda manifest: False) if self._files is None else self._shown.declares,
        )

    @property
    def console_built(self) -> bool:
        return self._pages.built

    @property
    def console_address(self) -> str:
        """Its URL; "" where it is not shown."""
        address = self._plain_address or self.address
        return address + console_files.ROOT if address and self.console_built else ""

    def _note_addresses(self, server: ApiServer) -> None:
        settings = self._settings
        if settings.listen is not None:
            self.address = _url("https", settings.listen[0], server.port)
        if settings.console is not None:
            self._plain_address = _url("http", settings.console[0], server.console_port)

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
        keyed = DocumentObjects(served(), EXAMPLE, utc_now, _uid)
        objects = dict(keyed.created(document) for document in example.documents)
        return Draft(objects, "laneway", EXAMPLE, "the example")

    def _file_objects(self, store: RevisionStore, reconciliation: Reconciliation) -> FileObjects:
        return FileObjects(store, reconciliation, served(), utc_now, _uid, self._report)

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

    def _api_kinds(self, store: RevisionStore, reconciliation: Reconciliation) -> ApiKinds:
        embedded = self.embedded
        lists = RunningLists(
            embedded.proxies,
            lambda: embedded.declarations.active,
            self._traffic.figures,
            self._traffic.calls,
            self._events.rejections,
        )
        trials = RequestTrials(
            lambda: embedded.control_plane.placements.gateways,
            lambda: [each.node for each in embedded.proxies() if each.connected],
            embedded.lane_counts,
        )
        return api_kinds(
            store,
            embedded.declarations,
            reconciliation,
            served(),
            lists,
            self._events,
            utc_now,
            _uid,
            trials.answer,
        )

    def _tcp(self) -> TcpEndpoint | None:
        settings = self._settings
        if settings.listen is None:
            return None
        host, port = settings.listen
        if settings.tls is not None:
            tls = given_context(settings.tls.certificate, settings.tls.key)
        else:
            tls = server_context(self.folder / "tls", (host, *settings.hosts), utc_now())
        return TcpEndpoint(host, port, tls)

    def _server(self) -> dict[str, str]:
        certificate = self.folder / "tls/ca.crt"
        own = self._settings.listen is not None and self._settings.tls is None
        return {
            "address": self.address,
            "certificateAuthority": certificate.read_text() if own else "",
        }

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


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _uid() -> str:
    return str(uuid.uuid4())


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
