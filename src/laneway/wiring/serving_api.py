"""The API of a laneway that serves: its endpoints, its sockets, and where clients find it.

``serving`` starts what is behind it, and opens it last. A program that could not hand over opens it
again.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from laneway import __version__
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
from laneway.adapters.store.memory import MemoryStore
from laneway.adapters.store.sqlite import SqliteStore
from laneway.apiserver.resources import served
from laneway.apiserver.sign_in_codes import SignInCodes
from laneway.apiserver.tokens import TokenStore
from laneway.apiserver.virtual_resources import VIRTUAL
from laneway.control.revisions import Manifest
from laneway.model.names import ObjectName
from laneway.wiring.api_kinds import ApiKinds, api_kinds
from laneway.wiring.console_paths import console_folder
from laneway.wiring.embedded import Embedded
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.lane_traffic import LaneTraffic
from laneway.wiring.live_lists import follow_all
from laneway.wiring.processes import Processes
from laneway.wiring.recent_events import RecentEvents
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.request_trials import RequestTrials
from laneway.wiring.running_lists import RunningLists
from laneway.wiring.serve_settings import ServeSettings
from laneway.wiring.serving_operations import operations
from laneway.wiring.uids import new_uid

#: Seconds for requests that are being answered when a program hands over.
_ANSWERING = 20.0


@dataclass(frozen=True, slots=True)
class Backend:
    """What the API answers from.

    ``folder`` is for its Unix socket and its certificates. ``problems`` are those of workloads.
    ``is_of_files`` says whether files declare an object, which the API does not change then.
    """

    folder: Path
    store: MemoryStore | SqliteStore
    tokens: TokenStore
    embedded: Embedded
    reconciliation: Reconciliation
    traffic: LaneTraffic
    events: RecentEvents
    problems: Callable[[], Mapping[ObjectName, str]]
    is_of_files: Callable[[Manifest], bool]


class ServingApi:
    """Call ``open`` first, and ``close`` at the end."""

    def __init__(self, settings: ServeSettings, backend: Backend) -> None:
        self._settings = settings
        self._backend = backend
        self._pages = ConsoleFiles(console_folder)
        self._codes = SignInCodes()
        self._stack = AsyncExitStack()
        self.address = self._plain_address = ""

    async def open(self, listening: Mapping[str, socket.socket]) -> None:
        """Raises ``ServerUnusable``. Sockets in ``listening`` are used again."""
        settings, backend = self._settings, self._backend
        async with AsyncExitStack() as stack:
            kinds = self._kinds()
            following = asyncio.create_task(follow_all(kinds.lists))
            stack.push_async_callback(_ended, following)
            watches = Watches(backend.store, others=[each.watches for each in kinds.lists])
            processes = ProcessEndpoints(
                Processes(backend.embedded, backend.reconciliation, backend.problems), one_document
            )
            self._requests = RequestCounts(self._application(kinds, watches, processes))
            plain = TcpEndpoint(*settings.console, None) if settings.console else None
            server = self._server = ApiServer(
                self._requests, backend.folder / "api.sock", self._tcp(), plain, listening
            )
            await stack.enter_async_context(server)
            server.on_stop(processes.close)
            server.on_stop(watches.close)  # before the server waits for its streams
            self._note_addresses(server)
            self._stack = stack.pop_all()

    async def close(self) -> None:
        await self._stack.aclose()

    async def close_for_successor(self) -> Mapping[str, socket.socket]:
        """Answers the requests under way, and returns the sockets, where new connections wait."""
        listening = await self._server.keep_listening(_ANSWERING)
        await self.close()
        return listening

    def sign_in_link(self) -> str:
        """A URL that signs one browser in."""
        code = self._codes.issue(os.urandom(32), utc_now())
        return sign_in_url(self.console_address, code)

    @property
    def console_built(self) -> bool:
        return self._pages.built

    @property
    def console_address(self) -> str:
        """Its URL; "" where it is not shown."""
        address = self._plain_address or self.address
        return address + console_files.ROOT if address and self.console_built else ""

    def _application(
        self, kinds: ApiKinds, watches: Watches, processes: ProcessEndpoints
    ) -> ASGIApp:
        backend = self._backend
        store, tokens, reconciliation = backend.store, backend.tokens, backend.reconciliation
        administration = AdministrationEndpoints(
            tokens,
            watches,
            one_document,
            utc_now,
            os.urandom,
            lambda: reconciliation.began,
            self._described,
        )
        virtual = VirtualEndpoints(VIRTUAL, kinds.answering, kinds.live, one_document, utc_now)
        more = [
            *self._pages.routes,
            *self._console(watches).routes,
            *administration.routes,
            *operations(
                store,
                backend.embedded,
                backend.traffic,
                reconciliation,
                watches,
                lambda: self._requests.family(),
            ),
            *virtual.routes,
            *processes.routes,
        ]
        objects = ObjectEndpoints(store, watches, utc_now, new_uid, one_document)
        app = application(served(), objects, __version__, more, VIRTUAL)
        return Authentication(app, tokens.by_id, _user(), self._settings.hosts, utc_now)

    def _console(self, watches: Watches) -> ConsoleEndpoints:
        return ConsoleEndpoints(
            served(),
            watches,
            self._backend.tokens,
            self._codes,
            one_document,
            utc_now,
            os.urandom,
            lambda: self.console_address,
            self._backend.is_of_files,
        )

    def _kinds(self) -> ApiKinds:
        backend, embedded = self._backend, self._backend.embedded
        lists = RunningLists(
            embedded.proxies,
            lambda: embedded.declarations.active,
            backend.traffic.figures,
            backend.traffic.calls,
            backend.events.rejections,
        )
        trials = RequestTrials(
            lambda: embedded.control_plane.placements.gateways,
            lambda: [each.node for each in embedded.proxies() if each.connected],
            embedded.lane_counts,
        )
        return api_kinds(
            backend.store,
            embedded.declarations,
            backend.reconciliation,
            served(),
            lists,
            backend.events,
            utc_now,
            new_uid,
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
            tls = server_context(self._backend.folder / "tls", (host, *settings.hosts), utc_now())
        return TcpEndpoint(host, port, tls)

    def _note_addresses(self, server: ApiServer) -> None:
        settings = self._settings
        if settings.listen is not None:
            self.address = _url("https", settings.listen[0], server.port)
        if settings.console is not None:
            self._plain_address = _url("http", settings.console[0], server.console_port)

    def _described(self) -> dict[str, str]:
        certificate = self._backend.folder / "tls/ca.crt"
        own = self._settings.listen is not None and self._settings.tls is None
        return {
            "address": self.address,
            "certificateAuthority": certificate.read_text() if own else "",
        }


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
