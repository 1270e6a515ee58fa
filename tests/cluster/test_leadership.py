"""Two operators, and what becomes of the other when one ends well, or is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.cluster.sandboxes import TERMS, Doings, Sandbox, until

from laneway.adapters.kube.leases import Terms

pytestmark = pytest.mark.slow

MAIN = "from laneway.faces.operator import main; main()"


async def test_another_takes_over_at_once_when_the_leader_ends(mesh: Sandbox) -> None:
    two = Doings()
    async with mesh.operating() as first:
        following = asyncio.create_task(_follow(mesh, two))
        await asyncio.sleep(2 * TERMS.retry)
        assert first.leads
        assert two.passes == []
    await until(lambda: _made(two))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert two.calls == []


async def test_another_takes_over_when_the_leader_is_killed(mesh: Sandbox) -> None:
    """A lease that is not renewed expires after 15 s, and is found expired within 2 s."""
    async with process(mesh, "one") as one:
        await until(lambda: _holder(mesh, "one"))
        async with process(mesh, "two"):
            await mesh.until_condition(mesh.lane("v2"), "Programmed", "True")
            one.send_signal(signal.SIGKILL)
            await one.wait()
            await mesh.apply(mesh.lane("v3", "b"))
            limit = Terms().duration + Terms().retry
            await until(lambda: _programmed(mesh, "v3"), limit + 15)
            assert await _holder(mesh, "two")


@asynccontextmanager
async def process(mesh: Sandbox, identity: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The operator's own program."""
    environment = {**os.environ, "KUBECONFIG": str(mesh.kubeconfig)}
    arguments = [f"--identity={identity}", f"--namespace={mesh.namespace}", "--host=127.0.0.1"]
    arguments += ["--port=0", "--settle=0.2", f"--root-namespace={mesh.namespace}"]
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, *arguments, env=environment
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
            await started.wait()


async def _follow(mesh: Sandbox, doings: Doings) -> None:
    async with mesh.operating(doings, "two"):
        await asyncio.Event().wait()


async def _made(doings: Doings) -> bool:
    return bool(doings.passes)


async def _programmed(mesh: Sandbox, version: str) -> bool:
    return (await mesh.condition(mesh.lane(version), "Programmed"))[0] == "True"


async def _holder(mesh: Sandbox, identity: str) -> bool:
    lease = await mesh.admin.get(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "laneway-operator", "namespace": mesh.namespace},
        }
    )
    return lease is not None and str(lease["spec"].get("holderIdentity")).startswith(f"{identity}_")
