"""An administrator at the API server: what a person does there with kubectl, by any kind of object.

The operator's own client writes as laneway's field manager; this one is somebody else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from laneway.adapters.kube.credentials import Credentials

Object = dict[str, Any]

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


class ApiError(AssertionError):
    """The API server's refusal: ``code`` is HTTP's, the text its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Administrator:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    async def apply(self, item: Object, manager: str = "tests") -> Object:
        params = {"fieldManager": manager, "fieldValidation": "Strict"}
        path = await self._path(item)
        return await self.ask("PATCH", path, params=params, body=item, content_type=_APPLY)

    async def create(self, item: Object) -> Object:
        path = await self._path(item)
        return await self.ask("POST", path.rpartition("/")[0], body=item)

    async def change(self, item: Object, patch: Object, subresource: str = "") -> Object:
        """A merge patch, as ``kubectl patch --type=merge`` makes it."""
        path = await self._path(item) + (f"/{subresource}" if subresource else "")
        return await self.ask("PATCH", path, body=patch, content_type=_MERGE)

    async def get(self, item: Object) -> Object | None:
        """As it is there; ``None`` if there is no such object."""
        try:
            return await self.ask("GET", await self._path(item))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    async def delete(self, item: Object) -> None:
        try:
            await self.ask("DELETE", await self._path(item))
        except ApiError as error:
            if error.code != 404:
                raise

    async def list(
        self, api_version: str, kind: str, selector: str = "", namespace: str = ""
    ) -> list[Object]:
        path = await self._collection(api_version, kind, namespace)
        params = {"labelSelector": selector} if selector else {}
        found = await self.ask("GET", path, params=params)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in found["items"]]

    async def columns(self, item: Object) -> Mapping[str, str]:
        """What ``kubectl get`` prints of the object."""
        table = await self.ask("GET", await self._path(item), accept=_TABLE)
        names = [column["name"] for column in table["columnDefinitions"]]
        return dict(zip(names, table["rows"][0]["cells"], strict=True))

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "Accept": accept}
        async with self.session.request(
            method, path, params=params, data=data, headers=headers
        ) as response:
            text = await response.text()
            if response.status >= 400:
                raise ApiError(response.status, _message(text))
            return dict(json.loads(text))

    async def _path(self, item: Object) -> str:
        metadata = item["metadata"]
        namespace = metadata.get("namespace", "")
        path = await self._collection(item["apiVersion"], item["kind"], namespace)
        return f"{path}/{metadata.get('name', '')}"

    async def _collection(self, api_version: str, kind: str, namespace: str = "") -> str:
        """The kind's path, as the API server's discovery has it."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._paths:
            for each in (await self.ask("GET", root))["resources"]:
                if "/" not in each["name"]:
                    self._paths[api_version, each["kind"]] = each["name"], each["namespaced"]
        plural, namespaced = self._paths[api_version, kind]
        return (
            f"{root}/namespaces/{namespace}/{plural}"
            if namespaced and namespace
            else (f"{root}/{plural}")
        )


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text


@asynccontextmanager
async def administrating(found: Credentials) -> AsyncIterator[Administrator]:
    token = found.token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(ssl=found.tls or True)
    async with aiohttp.ClientSession(found.server, headers=headers, connector=connector) as session:
        yield Administrator(session)
