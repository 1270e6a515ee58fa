"""The certificate of ``api.laneway.dev`` that laneway makes, keeps, renews and announces."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from cryptography import x509
from tests.adapters.kube.api_servers import ApiServer, client_of, serving

from laneway.adapters.http.serving_pairs import LIFE, RENEWAL, is_fit, renewed
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import Forbidden
from laneway.wiring.aggregated_api import NoCertificate
from laneway.wiring.made_certificates import API_SERVICE, MadeCertificates

SYSTEM = "laneway-system"
HOST = "laneway-api.laneway-system.svc"
SECRET = ("secrets", SYSTEM, "laneway-api")
SERVICE = ("apiservices", "", API_SERVICE)


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Cluster:
    """``replica`` is another process of the operator at each call."""

    def __init__(self, api: ApiServer, client: Client) -> None:
        self.api = api
        self.clock = Clock()
        self._client = client

    def replica(self) -> MadeCertificates:
        return MadeCertificates(self._client, SYSTEM, self.clock)

    @property
    def secret(self) -> dict[str, bytes]:
        return {k: base64.b64decode(v) for k, v in self.api.objects[SECRET]["data"].items()}

    @property
    def trusted(self) -> list[x509.Certificate]:
        bundle = self.api.objects[SERVICE]["spec"]["caBundle"]
        return x509.load_pem_x509_certificates(base64.b64decode(bundle))

    def trusts(self, pair: bytes) -> bool:
        leaf = x509.load_pem_x509_certificate(pair)
        return any(_signed(leaf, each) for each in self.trusted)


def _signed(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except Exception:
        return False
    return True


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with serving() as api, client_of(api) as client:
        spec = {"group": "api.laneway.dev", "version": "v1alpha1"}
        made = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": spec}
        await api.write("apiservices", {**made, "metadata": {"name": API_SERVICE}})
        yield Cluster(api, client)


async def test_it_is_made_once_for_all_replicas_and_the_api_server_trusts_it(
    cluster: Cluster,
) -> None:
    pairs = await asyncio.gather(*(cluster.replica().pair() for _ in range(3)))
    assert len(set(pairs)) == 1
    assert cluster.trusts(pairs[0])
    assert cluster.api.objects[SECRET]["type"] == "kubernetes.io/tls"
    assert pairs[0] == cluster.secret["tls.crt"] + cluster.secret["tls.key"]
    spec = cluster.api.objects[SERVICE]["spec"]
    assert (spec["group"], spec["version"]) == ("api.laneway.dev", "v1alpha1")


async def test_nobody_keeps_the_authoritys_key(cluster: Cluster) -> None:
    await cluster.replica().pair()
    assert set(cluster.secret) == {"ca.crt", "tls.crt", "tls.key"}
    assert b"PRIVATE" not in cluster.secret["ca.crt"]


async def test_looking_again_writes_nothing(cluster: Cluster) -> None:
    replica = cluster.replica()
    pair = await replica.pair()
    writes = list(cluster.api.writes)
    cluster.clock.now += LIFE - RENEWAL - timedelta(minutes=10)
    assert await replica.pair() == pair
    assert await cluster.replica().pair() == pair
    assert cluster.api.writes == writes


async def test_a_renewed_one_is_trusted_before_it_is_served(cluster: Cluster) -> None:
    first, second = cluster.replica(), cluster.replica()
    old = await first.pair()
    await second.pair()
    cluster.clock.now += LIFE - RENEWAL + timedelta(minutes=1)
    assert await first.pair() == old
    assert await second.pair() == old
    assert len(cluster.trusted) == 2
    new = await first.pair()
    assert new != old
    assert await second.pair() == new
    assert cluster.trusts(new)
    assert cluster.trusts(old)


async def test_what_somebody_else_has_written_is_not_served(cluster: Cluster) -> None:
    good = renewed(None, HOST, cluster.clock.now)
    other = renewed(None, "other.svc", cluster.clock.now)
    spoilt: list[dict[str, bytes]] = [
        {},
        {"ca.crt": b"", "tls.crt": b"", "tls.key": b""},
        {"ca.crt": b"x", "tls.crt": b"x", "tls.key": b"x"},
        {"ca.crt": other.authorities, "tls.crt": other.certificate, "tls.key": other.key},
        {"ca.crt": good.authorities, "tls.crt": good.certificate, "tls.key": other.key},
        {"ca.crt": other.authorities, "tls.crt": good.certificate, "tls.key": good.key},
    ]
    for data in spoilt:
        encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
        metadata = {"name": "laneway-api", "namespace": SYSTEM}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
        await cluster.api.write("secrets", secret)
        pair = await cluster.replica().pair()
        assert cluster.trusts(pair), data
        assert pair == cluster.secret["tls.crt"] + cluster.secret["tls.key"]


async def test_a_bundle_that_somebody_replaces_is_put_back(cluster: Cluster) -> None:
    replica = cluster.replica()
    pair = await replica.pair()
    spec: dict[str, Any] = {**cluster.api.objects[SERVICE]["spec"], "caBundle": ""}
    await cluster.api.write("apiservices", {**cluster.api.objects[SERVICE], "spec": spec})
    assert await replica.pair() == pair
    assert cluster.trusts(pair)


async def test_without_an_apiservice_it_says_what_to_install(cluster: Cluster) -> None:
    await cluster.api.drop("apiservices", "", API_SERVICE)
    with pytest.raises(NoCertificate, match=r"api\.enabled"):
        await cluster.replica().pair()


async def test_without_the_right_it_names_the_right(cluster: Cluster) -> None:
    cluster.api.fail("get", "secrets.*", 403, "forbidden")
    with pytest.raises(Forbidden, match="allow `get` on `secrets`"):
        await cluster.replica().pair()


def test_a_pair_is_fit_until_it_is_to_be_renewed() -> None:
    now = datetime.now(UTC)
    pair = renewed(None, HOST, now)
    assert is_fit(pair, HOST, now + LIFE - RENEWAL - timedelta(minutes=1))
    assert not is_fit(pair, HOST, now + LIFE - RENEWAL + timedelta(minutes=1))
