"""``laneway serve``: a store, the mesh that it declares, and the API in front of both.

It starts the store, then the mesh as it was declared last, then the API, so that clients of the API
see a running mesh. It stops in the opposite order.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from starlette.routing import Route

from laneway import __version__
from laneway.adapters.files import Reading
from laneway.adapters.files.yamls import one_document
from laneway.adapters.http import console_files
from laneway.adapters.http.administration import AdministrationEndpoints
from laneway.adapters.http.application import application
from laneway.adapters.http.authentication import Authentication
from laneway.adapters.http.certificates import given_context, server_context
from laneway.adapters.http.compactions import compaction_route
from laneway.adapters.http.console_endpoints import ConsoleEndpoints, sign_in_url
from laneway.adapters.http.console_files import ConsoleFiles, ConsoleNotBuilt
from laneway.adapters.http.metrics import Family, RequestCounts, metrics_route
from laneway.adapters.http.objects import ObjectEndpoints
from laneway.adapters.http.processes import ProcessEndpoints
from laneway.adapters.http.server import ApiServer, TcpEndpoint
from laneway.adapters.http.virtual_objects import VirtualEndpoints
from laneway.adapters.http.watches import Watches
from laneway.adapters.runner.errors import RunnerError
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.adapters.store.tokens import MemoryTokens, SqliteTokens
from laneway.apiserver.lane_status import Proxies, proxies_of
from laneway.apiserver.resources import served
from laneway.apiserver.sign_in_codes import SignInCodes
from laneway.apiserver.tokens import TokenStore
from laneway.apiserver.virtual_resources import VIRTUAL
from laneway.control import events
from laneway.control.compaction import HistoryBounds
from laneway.control.declared import NotProgrammed, Request, Writes
from laneway.control.revisions import Draft, RevisionStore
from laneway.model.lanes import Lane
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload
from laneway.operator.ready_instances import Instances
from laneway.wiring.api_kinds import ApiKinds, api_kinds
from laneway.wiring.compactions import compact, compact_regularly
from laneway.wiring.console_paths import console_folder
from laneway.wiring.document_objects import DocumentObjects
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.file_objects import FileObjects, as_declared
from laneway.wiring.lane_expiry import follow_expiry, utc_now
from laneway.wiring.lane_traffic import LaneTraffic
from laneway.wiring.live_lists import follow_all
from laneway.wiring.processes import Processes
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.request_trials import RequestTrials
from laneway.wiring.running_lists import RunningLists
from laneway.wiring.serving_metrics import (
    lane_families,
    proxy_family,
    store_families,
    watch_family,
)
from laneway.wiring.source_watching import SourceFollower
from laneway.wiring.stored_declarations import STORE, declared_at_start
from laneway.wiring.workload_instances import WorkloadInstances

#: The field manager of an example's objects.
EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class Tls:
    """The user's own certificate and key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """``data`` holds the store, the API's Unix socket and its certificates. None is the run
    directory of the mesh, which is gone afterwards: for what files declare.

    ``listen`` is where the API listens for TCP; None is nowhere. ``hosts`` are further names under
    which it is reached, and ``tls`` is for those whose clients do not know laneway's own CA.
    ``history`` says how far back revisions are kept. ``console`` is where browsers on this machine
    find the console; it has no TLS, so it is on loopback. ``console_built_later`` serves before the
    console was built, and shows it from then on.
    """

    data: Path | None
    listen: tuple[str, int] | None = None
    hosts: Collection[str] = ()
    tls: Tls | None = None
    mesh: Settings = field(default_factory=Settings)
    history: HistoryBounds = field(default_factory=HistoryBounds)
    console: tuple[str, int] | None = None
    console_built_later: bool = False


class Serving:
    """An async context: inside, the API is answered.

    ``files`` are the objects at the beginning if files declare the mesh; pass later contents of the
    files to ``show``. ``example`` are objects to begin with that anybody may change. With either,
    the store is in memory.
    """

    def __init__(
        self,
        settings: ServeSettings,
        on_event: Callable[[events.Event], None] = lambda event: None,
        report: Callable[[str], None] = lambda text: None,
        *,
        files: Reading | None = None,
        example: Reading | None = None,
    ) -> None:
        assert [files, example, settings.data].count(None) == 2
        self._settings = settings
        self._on_event = on_event
        self._report = report
        self._files = files
        self._example = example
        self._stack = AsyncExitStack()
        self._reconciliation: Reconciliation | None = None
        self._workloads = WorkloadInstances()
        self._sources = SourceFollower(self._started, self._start_anew, self._heard)
        self.address = self._plain_address = ""
        self._codes = SignInCodes()

    async def __aenter__(self) -> Self:
        """Raises ``StoreError``, ``ServerUnusable``, and what ``Embedded`` raises."""
        settings = self._settings
        pages = self._pages = ConsoleFiles(console_folder)
        required = settings.console is not None and not settings.console_built_later
        if required and not pages.built:
            raise ConsoleNotBuilt
        async with AsyncExitStack() as stack:
            self.store, self.tokens = store, tokens = await self._open_store(stack)
            self._events = RecentEvents(store, utc_now)
            stack.callback(self._events.close)
            whole = await self._start_mesh(stack, store)
            self.folder = self._settings.data or self.embedded.run_dir
            self._traffic = _lane_traffic(self.embedded)
            declarations = self.embedded.declarations
            self._events.active = lambda: declarations.active
            reconciliation = self._reconciliation = self._reconciling(store, started=whole)
            running = asyncio.create_task(reconciliation.run())
            stack.push_async_callback(_cancelled, running)
            compacting = asyncio.create_task(
                compact_regularly(store, settings.history, utc_now, self._report)
            )
            stack.push_async_callback(_cancelled, compacting)
            following = asyncio.create_task(self._sources.run())
            stack.push_async_callback(_cancelled, following)
            if self._files is None:
                expiring = asyncio.create_task(self._follow_expiry())
                stack.push_async_callback(_cancelled, expiring)
            else:
                self._shown = self._file_objects(store, reconciliation)
                await self.show(self._files)
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
            console = [*pages.routes, *self._console(tokens, watches).routes]
            operations = self._operations(store, watches)
            more = [
                *console,
                *administration.routes,
                *operations,
                *virtual.routes,
                *processes.routes,
            ]
            app = application(served(), objects, __version__, more, VIRTUAL)
            guarded = Authentication(app, tokens.by_id, _user(), settings.hosts, utc_now)
            self._requests = RequestCounts(guarded)
            plain = TcpEndpoint(*settings.console, None) if settings.console else None
            server = ApiServer(self._requests, self.folder / "api.sock", self._tcp(), plain)
            await stack.enter_async_context(server)
            stack.callback(processes.close)
            stack.callback(watches.close)  # before the server waits for its streams
            self._note_addresses(server)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

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

    def _operations(self, store: MemoryStore | SqliteStore, watches: Watches) -> list[Route]:
        async def collect() -> list[Family]:
            figures = await self._traffic.figures()
            unreadable = len(self._reconciliation.unreadable) if self._reconciliation else 0
            return [
                *store_families(store, store.write_seconds, unreadable),
                proxy_family(self.embedded.proxies()),
                *lane_families(self.embedded.declarations.active, figures),
                watch_family(watches.count),
                self._requests.family(),
            ]

        async def compacted(keep: int) -> int:
            return await compact(store, HistoryBounds.last(keep), utc_now())

        return [metrics_route(collect), compaction_route(compacted, one_document)]

    async def _open_store(
        self, stack: AsyncExitStack
    ) -> tuple[MemoryStore | SqliteStore, TokenStore]:
        """Raises ``StoreError``."""
        if self._settings.data is None:
            memory = MemoryStore(utc_now)
            if self._example is not None:
                await memory.append(self._example_objects(self._example), expected=0)
            return memory, MemoryTokens()
        store = SqliteStore.open(self._settings.data / "store", utc_now)
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
        or an example, starts whole, or not at all.
        """
        if self._files is not None:
            self.embedded = await stack.enter_async_context(self._mesh(as_declared(self._files)))
            return True
        try:
            self.embedded = await stack.enter_async_context(
                self._mesh(declared_at_start(store.objects))
            )
        except (RunnerError, OSError) as error:
            if self._example is not None:
                raise
            # What keeps the mesh as such from starting is raised again here.
            self.embedded = await stack.enter_async_context(self._mesh(Writes(STORE, ())))
            self._report(f"not everything can be started: {error}")
            return False
        return True

    def _mesh(self, declared: Request) -> Embedded:
        return Embedded(declared, self._settings.mesh, self._heard, on_proxy=lambda _: self._wake())

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
        embedded.proxies, lambda: declarations.active, embedded.lane_figures, time.monotonic
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
