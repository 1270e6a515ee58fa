"""An operator at work on an API server in memory, for tests to watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.adapters.kube.api_servers import ApiServer, client_of, serving
from tests.operator.fake_dialects import DIALECT
from tests.wiring.declared_objects import declare

from laneway.compile.dialect import ConfiguredDialect
from laneway.operator.pacing import Pace
from laneway.operator.reconciler import Pass
from laneway.wiring.operators import Observers, Operator, Settings

PACE = Pace(quiet=0.02, at_most=0.2, first_retry=0.02, longest_retry=0.1)
RULE = ("destinationrules", "default", "b-lanes")
ROUTES = ("virtualservices", "default", "b-lanes")
ROUTES_OF_A = ("virtualservices", "default", "a-lanes")


class Passes(list[Pass]):
    def passed(self, result: Pass, _: float) -> None:
        self.append(result)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the state is another process's in real life
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not so within {seconds:g} s") from None


@asynccontextmanager
async def operating(
    api: ApiServer, passes: Passes | None = None, *, dialect: ConfiguredDialect = DIALECT
) -> AsyncIterator[Operator]:
    """An operator that has made its first pass."""
    passes = Passes() if passes is None else passes
    settings = Settings("one", settle=0.0, pace=PACE)
    begun = len(passes)
    async with client_of(api) as client:
        operator = Operator(client, dialect, settings, Observers(passed=passes.passed))
        task = asyncio.create_task(operator.run())
        try:
            await until(lambda: task.done() or len(passes) > begun)
            yield operator
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def declared() -> AsyncIterator[ApiServer]:
    async with serving() as api:
        await declare(api)
        yield api


def condition(item: dict[str, Any], kind: str) -> tuple[str, str, str]:
    found = {c["type"]: c for c in item.get("status", {}).get("conditions", ())}.get(kind, {})
    return found.get("status", ""), found.get("reason", ""), found.get("message", "")


def lane_of(api: ApiServer, name: str) -> dict[str, Any]:
    return api.objects["lanes", "", name]


def status(api: ApiServer, name: str, kind: str) -> str:
    return condition(lane_of(api, name), kind)[0]


def subsets(api: ApiServer) -> list[str]:
    return [subset["name"] for subset in api.objects[RULE]["spec"]["subsets"]]


def changes(api: ApiServer) -> list[tuple[str, str]]:
    """Writes to what lanes became; without statuses, events and the lease."""
    kinds = ("destinationrules", "virtualservices", "envoyfilters", "wasmplugins")
    return [write for write in api.writes if write[1].startswith(kinds)]
