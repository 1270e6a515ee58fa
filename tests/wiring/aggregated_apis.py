"""The operator's part that answers ``api.laneway.dev``, behind an API server that aggregates it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faces.operator.certificate_authorities import Authority
from tests.wiring.aggregating_clusters import AggregatingCluster, aggregating
from tests.wiring.api_servers import SHOP

from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.wiring.aggregated_api import AggregatedApi, ApiSettings, ServingCertificates
from laneway.wiring.lane_expiry import utc_now
from laneway.wiring.made_certificates import MadeCertificates
from laneway.wiring.serving_certificates import CertificateFolder


@dataclass
class Looks:
    """The pauses of the served API: each lasts until the test asks for the next look."""

    asked: asyncio.Event
    taken: asyncio.Event

    async def pause(self, _: float) -> None:
        self.taken.set()
        await self.asked.wait()
        self.asked.clear()
        self.taken.clear()

    async def next(self) -> None:
        async with asyncio.timeout(30):
            await self.taken.wait()
            self.asked.set()
            while self.asked.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await self.taken.wait()


@dataclass
class Served:
    cluster: AggregatingCluster
    api: AggregatedApi
    objects: DeclaredObjects
    looks: Looks


@asynccontextmanager
async def served(
    folder: Path,
    made: tuple[Authority, Authority],
    *,
    wait: bool = True,
    own_certificate: bool = False,
) -> AsyncIterator[Served]:
    """The shop's lanes, and the operator's part that answers ``api.laneway.dev``; with a
    certificate of its own making, or a given one."""
    own, _ = made
    async with aggregating(folder, made) as cluster, cluster.client() as client:
        await cluster.register(None if own_certificate else own.certificate.read_bytes())
        await write(cluster, *SHOP)
        objects = DeclaredObjects(client)
        looks = Looks(asyncio.Event(), asyncio.Event())
        certificates: ServingCertificates = CertificateFolder(own.folder / "operator")
        if own_certificate:
            certificates = MadeCertificates(client, "laneway-system", utc_now)
        served = AggregatedApi(
            client,
            objects,
            certificates,
            ApiSettings("127.0.0.1", 0, "one"),
            pause=looks.pause,
        )
        running = asyncio.gather(objects.run(), served.run())
        try:
            if wait:
                async with asyncio.timeout(30):
                    await served.serving.wait()
                    while not objects.filled:  # noqa: ASYNC110
                        await asyncio.sleep(0.005)
                cluster.port = served.port
            yield Served(cluster, served, objects, looks)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def write(cluster: AggregatingCluster, *objects: dict[str, Any]) -> None:
    """As an administrator of the cluster, who is not asked for a token here."""
    for each in objects:
        version = each["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        namespaced = each["kind"] in ("Service", "Gateway")
        where = f"{root}/namespaces/default" if namespaced else root
        path = f"{where}/{each['kind'].lower()}s/{each['metadata']['name']}"
        answer = await cluster.api.client.patch(
            f"{path}?fieldManager=admin",
            json=each,
            headers={"content-type": "application/apply-patch+yaml"},
        )
        assert answer.status_code in (200, 201), answer.text
    await cluster.api.settle()
