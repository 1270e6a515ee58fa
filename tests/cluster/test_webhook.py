"""The validating webhook, asked by a real API server: one that runs on this machine.

With the permissions that the chart grants, and the chart's own configuration but for the address.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from deploy.charts import documents
from tests.cluster.administrators import ApiError, Object
from tests.cluster.sandboxes import LANEWAY, Sandbox, until
from tests.faces.operator.certificate_authorities import authority

from laneway.adapters.kube import credentials
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.faces.operator.webhook import PATH, serving
from laneway.wiring.live_admission import LiveAdmission

pytestmark = pytest.mark.slow


def runs_here() -> bool:
    """Whether the API server runs on this machine, and so reaches what listens on loopback."""
    server = urlsplit(credentials.find().server).hostname or ""
    try:
        return ipaddress.ip_address(server).is_loopback
    except ValueError:
        return server == "localhost"


@asynccontextmanager
async def webhook(place: Sandbox, folder: Path) -> AsyncIterator[Object]:
    """The configuration, once the API server asks it about lanes."""
    if not runs_here():
        pytest.skip("the API server does not run on this machine, and could not reach the webhook")
    issuer = authority(folder / "authority")
    issuer.issue(folder / "tls")
    async with Client(credentials.read(place.kubeconfig)) as client:
        objects = DeclaredObjects(client)
        admissions = LiveAdmission(objects)
        watching = asyncio.create_task(objects.run())
        try:
            async with serving(admissions.judge, folder / "tls", "127.0.0.1", 0) as port:
                found = configuration(place, port, issuer.certificate)
                await place.apply(found)
                await until(lambda: _works(place, admissions))
                yield found
        finally:
            watching.cancel()
            await asyncio.wait([watching])


def configuration(place: Sandbox, port: int, authority_certificate: Path) -> Object:
    (found,) = (
        copy.deepcopy(document)
        for document in documents({"webhook": {"enabled": True}})
        if document["kind"] == "ValidatingWebhookConfiguration"
    )
    found["metadata"]["name"] = place.prefix
    bundle = base64.b64encode(authority_certificate.read_bytes()).decode()
    for each in found["webhooks"]:
        each["clientConfig"] = {"url": f"https://127.0.0.1:{port}{PATH}", "caBundle": bundle}
    return dict(found)


async def _works(place: Sandbox, admissions: LiveAdmission) -> bool:
    """An API server takes a moment to heed a new configuration."""
    return admissions.informed and "INVALID_VALUE" in await refusal(place, wrong(place))


def wrong(place: Sandbox) -> Object:
    """By itself, and in a way that the CRD's schema cannot tell."""
    rule = {"name": "r", "uri": {"regex": "(["}, "destination": f"{place.namespace}/a"}
    return place.lane("wrong", "a", ingress=[rule])


async def refusal(place: Sandbox, item: Object) -> str:
    """What the API server says to a dry run; "" if it takes the object."""
    path = f"/apis/{LANEWAY}/{'lanes' if item['kind'] == 'Lane' else 'lanegroups'}"
    try:
        await place.admin.ask("POST", path, params={"dryRun": "All"}, body=item)
    except ApiError as error:
        if error.code != 422:
            raise
        return str(error)
    return ""


async def test_mistakes_are_refused_and_what_may_come_is_not(mesh: Sandbox, tmp_path: Path) -> None:
    async with webhook(mesh, tmp_path):
        said = await refusal(mesh, wrong(mesh))
        assert "spec.ingress[0].uri.regex" in said
        assert "use RE2's syntax" in said
        await until(lambda: _knows(mesh))
        assert "SERVICE_IN_TWO_GROUPS" in await refusal(mesh, another_group(mesh))
        assert await refusal(mesh, mesh.lane("v3", "b")) == ""
        assert await refusal(mesh, mesh.lane("v3", "later")) == ""
        assert not await mesh.is_there(mesh.lane("v3"))


def another_group(place: Sandbox) -> Object:
    group = copy.deepcopy(place.group)
    group["metadata"]["name"] = f"{place.prefix}-other"
    return group


async def _knows(place: Sandbox) -> bool:
    return bool(await refusal(place, another_group(place)))


async def test_an_invalid_lane_that_is_there_can_be_labelled_and_deleted(
    mesh: Sandbox, tmp_path: Path
) -> None:
    lane = wrong(mesh)
    await mesh.apply(lane)
    async with webhook(mesh, tmp_path):
        await mesh.admin.change(lane, {"metadata": {"labels": {"team": "x"}}})
        await mesh.admin.delete(lane)
        assert not await mesh.is_there(lane)


async def test_nothing_is_blocked_while_the_webhook_is_away(mesh: Sandbox, tmp_path: Path) -> None:
    async with webhook(mesh, tmp_path):
        pass
    await mesh.apply(wrong(mesh))
    assert await mesh.is_there(wrong(mesh))
