"""Sends trial requests to a gateway of the mesh, and reports their paths.

They only go to addresses of the mesh's own gateways; the requested host is just a header. One trial
runs at a time, so that it does not count another one's requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.adapters.runner.http_client import Response
from laneway.adapters.runner.trial_requests import send
from laneway.apiserver import request_trials
from laneway.apiserver.failures import Failure
from laneway.apiserver.request_trials import Counts, Readings
from laneway.apiserver.virtual_resources import Answered, Asked
from laneway.model.names import ObjectName
from laneway.model.placements import Address, GatewayPlacement
from laneway.model.suggestions import listing
from laneway.schema.api_requests import RequestTrialSpec, SentRequest
from laneway.wiring.reviewed_meshes import object_name

#: The numbers of requests in flight, and of proxies that are read at the same time.
_IN_FLIGHT, _READ_AT_ONCE = 4, 16
#: Seconds for all requests of a trial.
_DEADLINE = 30.0
#: Proxies count a request when it is complete, which may be shortly after its answer.
_SETTLING, _SETTLED_AFTER = 0.1, 20

Gateways = Mapping[ObjectName, GatewayPlacement]
ReadCounts = Callable[[str], Awaitable[Counts]]
Send = Callable[[Address, SentRequest], Awaitable[Response]]


async def _sent(address: Address, request: SentRequest) -> Response:
    return await send(address, request.method, request.host, request.path, request.headers)


class RequestTrials:
    """``nodes`` are the connected proxies, and ``count`` reads the counters of one. It raises
    ``AdminUnreachable`` or ``KeyError`` if the proxy is gone."""

    def __init__(
        self,
        gateways: Callable[[], Gateways],
        nodes: Callable[[], Collection[str]],
        count: ReadCounts,
        send: Send = _sent,
        settling: float = _SETTLING,
    ) -> None:
        self._gateways = gateways
        self._nodes = nodes
        self._count = count
        self._send = send
        self._settling = settling
        self._turn = asyncio.Lock()

    async def answer(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, RequestTrialSpec)
        request_trials.check_may_try(asked.identity)
        gateway, port, address = _listener(spec, self._gateways())
        status: dict[str, Any] = {
            "gateway": str(gateway),
            "port": port,
            "url": f"http://{address}",
        }
        if asked.dry_run:
            return Answered({**status, "answers": [], "hops": []})
        async with self._turn:
            before = await self._read()
            responses = await self._requests(address, spec)
            after = await self._settled()
        answers = request_trials.answers((each.status, each.text) for each in responses)
        return Answered({**status, "answers": answers, "hops": request_trials.hops(before, after)})

    async def _requests(self, address: Address, spec: RequestTrialSpec) -> list[Response]:
        turns = asyncio.Semaphore(_IN_FLIGHT)

        async def one() -> Response:
            async with turns:
                return await self._send(address, spec.request)

        tasks = [asyncio.create_task(one()) for _ in range(spec.count)]
        try:
            done, _ = await asyncio.wait(tasks, timeout=_DEADLINE)
        finally:
            for task in tasks:
                task.cancel()
        late = Response(0, f"no answer in the {_DEADLINE:g} s of the trial".encode())
        return [task.result() if task in done else late for task in tasks]

    async def _settled(self) -> Readings:
        """The counters, as soon as they no longer change."""
        readings = await self._read()
        for _ in range(_SETTLED_AFTER):
            await asyncio.sleep(self._settling)
            later = await self._read()
            if later == readings:
                break
            readings = later
        return readings

    async def _read(self) -> Readings:
        turns = asyncio.Semaphore(_READ_AT_ONCE)

        async def counted(node: str) -> Counts:
            async with turns:
                try:
                    return await self._count(node)
                except (AdminUnreachable, KeyError):
                    return {}

        nodes = sorted(self._nodes())
        return dict(zip(nodes, await asyncio.gather(*map(counted, nodes)), strict=True))


def _listener(spec: RequestTrialSpec, gateways: Gateways) -> tuple[ObjectName, int, Address]:
    """Raises ``Failure``."""
    if spec.gateway is not None:
        name = object_name(spec.gateway, gateways, "spec.gateway", "gateway")
    elif len(gateways) == 1:
        (name,) = gateways
    else:
        known = listing([str(each) for each in gateways]) or "none"
        raise Failure(422, f"spec.gateway: say which gateway; there is {known}")
    listeners = gateways[name].listeners
    port = spec.port if spec.port is not None else next(iter(listeners), 0)
    if port not in listeners:
        known = listing([str(each) for each in listeners]) or "none"
        raise Failure(422, f"spec.port: gateway {name} has no port {port}; there is {known}")
    return name, port, listeners[port]
