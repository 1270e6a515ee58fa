"""Envoys in memory: processes that speak xDS with the server, hang, restart, and refuse things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryResponse
from tests.adapters.xds.envoy_models import EnvoyModel
from tests.simulation.event_loop import Process
from tests.simulation.network import Broken, Call

from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import ENDPOINT, Resource
from laneway.control.proxies import GENERATION

#: Opens a call, or raises ``Broken``.
Connect = Callable[["Envoy"], Call]


class Envoy:
    """One process. ``observe`` hears of each response that was taken, and of what was refused.
    ``module`` is the lane filter that it has loaded."""

    def __init__(
        self,
        node: str,
        generation: int,
        module: str,
        connect: Connect,
        refuses: Callable[[Resource], bool],
        random: Random,
        observe: Callable[[Envoy, Push, list[Resource]], None],
    ) -> None:
        self.node = node
        self.generation = generation
        self.module = module
        #: It was to be restarted hot, and could not be.
        self.is_irreplaceable = False
        self.model = EnvoyModel(good=lambda resource: not refuses(resource))
        self.call: Call | None = None
        self.connected_since: float | None = None
        #: Whether the server knows of the connection: something has come on it.
        self.is_answered = False
        #: Resources of the last response that it had reported in the same version.
        self.repeated: list[str] = []
        self.is_first_response = False
        self.process = Process(f"{node}#{generation}")
        self._connect = connect
        self._random = random
        self._observe = observe
        self._awake = asyncio.Event()
        self._awake.set()
        self.hung_until = float("-inf")

    def start(self) -> None:
        self.process.spawn(self._run())

    def kill(self) -> None:
        self.process.alive = False
        if self.call is not None:
            self.call.cut(noticed=self._random.uniform(0, 0.5))
            self.call = None

    def hang(self, seconds: float) -> None:
        """It answers nothing for so long; its connection stays."""
        loop = asyncio.get_running_loop()
        self.hung_until = max(self.hung_until, loop.time() + seconds)
        self._awake.clear()
        self.process.spawn(self._wake_up())

    def lose_connection(self, noticed: float) -> None:
        if self.call is not None:
            self.call.cut(noticed)

    async def _wake_up(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.hung_until - loop.time())
        if loop.time() >= self.hung_until:
            self._awake.set()

    async def _run(self) -> None:
        while True:
            await self._awake.wait()
            try:
                self.call = self._connect(self)
                await self._converse(self.call)
            except Broken:
                self.call = self.connected_since = None
                self.is_answered = False
            await asyncio.sleep(self._random.uniform(0.05, 1.0))

    async def _converse(self, call: Call) -> None:
        self.connected_since, self.is_answered = asyncio.get_running_loop().time(), False
        self.model.begin_stream()
        reported = self._reported()
        first = self.model.outbox[0]
        first.node.id = self.node
        first.node.metadata.fields[GENERATION].number_value = self.generation
        self._answer(call)
        while True:
            data = await call.responses.receive()
            self.is_first_response = not self.is_answered
            self.is_answered = True
            await self._awake.wait()
            push = _push(DeltaDiscoveryResponse.FromString(data))
            self.repeated = [
                each.name
                for each in push.resources
                if (each.type_url, each.name, each.version) in reported
            ]
            refused = self.model.apply(push)
            self._observe(self, push, refused)
            self._answer(call)

    def _reported(self) -> frozenset[tuple[str, str, str]]:
        """Type, name and version of what it need not be sent on a new stream. Clusters that are
        warming wait for endpoints though Envoy reports to have them."""
        return frozenset(
            (type_url, name, version)
            for type_url, held in self.model.versions.items()
            if not (type_url == ENDPOINT and self.model.warming)
            for name, version in held.items()
        )

    def _answer(self, call: Call) -> None:
        while self.model.outbox:
            request = self.model.outbox.popleft()
            call.requests.send(request)
            # An answer that comes twice has a nonce that is known already.
            if request.response_nonce and self._random.random() < 0.02:
                call.requests.send(request)


def _push(response: DeltaDiscoveryResponse) -> Push:
    resources = tuple(
        Resource(each.resource.type_url, each.name, each.resource.value, each.version)
        for each in response.resources
    )
    return Push(response.type_url, response.nonce, resources, tuple(response.removed_resources))
