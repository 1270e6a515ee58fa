"""The certificate that ``api.laneway.dev`` is served with where nobody gives one.

A Secret keeps it for all replicas, and whichever finds it missing or near its end makes a new one.
The APIService gets the authority of it, so the API server trusts it. A new certificate is served
one look later: until then, API servers may not have heard of its authority.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from laneway.adapters.http.serving_pairs import ServingPair, is_fit, renewed
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import Conflict, NotFound
from laneway.adapters.kube.resources import API_SERVICES, SECRETS
from laneway.schema.api_requests import GROUP, VERSION
from laneway.wiring.aggregated_api import NoCertificate

log = structlog.get_logger(__name__)

SERVICE = SECRET = "laneway-api"
API_SERVICE = f"{VERSION}.{GROUP}"
_FIELDS = ("ca.crt", "tls.crt", "tls.key")


class MadeCertificates:
    """The Secret and the Service are in ``namespace``; ``now`` is in UTC."""

    def __init__(self, client: Client, namespace: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._namespace = namespace
        self._host = f"{SERVICE}.{namespace}.svc"
        self._now = now
        self._served: ServingPair | None = None
        self._announced: ServingPair | None = None

    async def pair(self) -> bytes:
        kept = await self._kept()
        await self._announce(kept)
        if self._served is None or self._announced == kept:
            self._served = kept
        self._announced = kept
        return self._served.certificate + self._served.key

    async def _kept(self) -> ServingPair:
        """The Secret's, after it was renewed if that was due."""
        secret = await self._secret()
        found = _pair_of(secret) if secret else None
        if found and is_fit(found, self._host, self._now()):
            return found
        made = renewed(found, self._host, self._now())
        try:
            await self._keep(made, secret)
        except Conflict:  # another replica was faster
            secret = await self._secret()
            found = _pair_of(secret) if secret else None
            if found is None:
                raise
            return found
        log.info("certificate made", secret=f"{self._namespace}/{SECRET}")
        return made

    async def _secret(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(SECRETS, self._namespace, SECRET)
        except NotFound:
            return None

    async def _keep(self, pair: ServingPair, before: dict[str, Any] | None) -> None:
        values = (pair.authorities, pair.certificate, pair.key)
        data = {n: base64.b64encode(v).decode() for n, v in zip(_FIELDS, values, strict=True)}
        if before is not None:
            await self._client.update(SECRETS, {**before, **_typed(SECRETS), "data": data})
            return
        metadata = {"name": SECRET, "namespace": self._namespace}
        made = {**_typed(SECRETS), "metadata": metadata, "type": "kubernetes.io/tls", "data": data}
        await self._client.create(SECRETS, self._namespace, made)

    async def _announce(self, pair: ServingPair) -> None:
        """Tells the API server which authorities to trust."""
        try:
            service = await self._client.get(API_SERVICES, "", API_SERVICE)
        except NotFound as error:
            raise NoCertificate(
                f"there is no APIService {API_SERVICE} that could trust a certificate; install "
                "laneway's chart with api.enabled"
            ) from error
        bundle = base64.b64encode(pair.authorities).decode()
        if (service.get("spec") or {}).get("caBundle") != bundle:
            body = {"metadata": {"name": API_SERVICE}, "spec": {"caBundle": bundle}}
            await self._client.apply(API_SERVICES, {**_typed(API_SERVICES), **body})


def _typed(resource: Any) -> dict[str, str]:
    return {"apiVersion": resource.api_version, "kind": resource.kind}


def _pair_of(secret: dict[str, Any]) -> ServingPair | None:
    data = secret.get("data") or {}
    try:
        return ServingPair(*(base64.b64decode(data[name], validate=True) for name in _FIELDS))
    except (KeyError, TypeError, binascii.Error):
        return None
