"""The API client: one method for each verb, on plain data, with patience where it helps.

Overload (429, honouring ``Retry-After``), server faults and lost connections are tried again, with
waits that grow; everything else is an error of ``errors`` at once.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from laneway.adapters.kube.credentials import Credentials
from laneway.adapters.kube.errors import Conflict, NoCredentials, error_of
from laneway.adapters.kube.resources import Resource
from laneway.operator.cluster_port import Unavailable
from laneway.operator.manifests import Manifest

FIELD_MANAGER = "laneway"
#: How often a request is made before it counts as failed.
ATTEMPTS = 5
FIRST_WAIT, LONGEST_WAIT = 0.25, 8.0
#: Objects in one page of a list.
PAGE = 500
#: Seconds after which the server ends a watch; it is then resumed.
WATCH_SECONDS = 300

_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"

_PATIENCE = aiohttp.ClientTimeout(total=60, sock_connect=10)

Object = dict[str, Any]


def jitter() -> float:
    return random.uniform(0.5, 1.0)


class Client:
    """Use as a context manager. ``called`` is told of each answer: verb, resource, HTTP code (0:
    none came)."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = jitter,
        called: Callable[[str, str, int], None] = lambda verb, resource, code: None,
    ) -> None:
        self._credentials = credentials
        self._pause = pause
        self._jitter = jitter
        self._called = called
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        connector = aiohttp.TCPConnector(limit=64, ssl=self._credentials.tls or True)
        self._session = aiohttp.ClientSession(
            self._credentials.server,
            connector=connector,
            headers={"User-Agent": "laneway"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def list(self, resource: Resource) -> tuple[list[Object], str]:
        """All objects in all namespaces, and the resource version to watch from."""
        items: list[Object] = []
        params = {"limit": str(PAGE)}
        while True:
            page = await self._ask("list", resource, "GET", resource.path(), params=params)
            items += page.get("items") or ()
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            params = {"limit": str(PAGE), "continue": metadata["continue"]}

    async def watch(
        self, resource: Resource, version: str
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Changes since ``version``, as (type, object), until the server ends it.

        An empty bookmark comes first, as soon as the server listens. Raises ``Gone`` where the
        version is too old, also half way.
        """
        what = f"watch {resource.plural}"
        params = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_SECONDS + 30)
        try:
            async with self._open(resource, "GET", resource.path(), params, timeout) as response:
                self._called("watch", resource.plural, response.status)
                if response.status >= 400:
                    raise error_of(response.status, await _body(response), what)
                yield "BOOKMARK", {"metadata": {}}
                async for line in _lines(response.content):
                    event = json.loads(line)
                    kind, item = event["type"], event["object"]
                    if kind == "ERROR":
                        raise error_of(int(item.get("code") or 500), item, what)
                    yield kind, item
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"{what}: {_said(error)}") from error

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        return await self._ask("get", resource, "GET", resource.path(namespace, name))

    async def create(self, resource: Resource, namespace: str, body: Manifest) -> Object:
        return await self._ask("create", resource, "POST", resource.path(namespace), body=body)

    async def update(self, resource: Resource, body: Manifest) -> Object:
        """Replaces the object, if its resource version is still the body's: else ``Conflict``."""
        path = resource.path(body["metadata"].get("namespace", ""), body["metadata"]["name"])
        return await self._ask("update", resource, "PUT", path, body=body)

    async def apply(
        self,
        resource: Resource,
        body: Manifest,
        subresource: str = "",
        *,
        manager: str = FIELD_MANAGER,
        force: bool = True,
        dry_run: bool = False,
        strict: bool = False,
    ) -> Object:
        """Server-side apply: the fields in ``body`` become the manager's, by force whoever set them
        before. Without force, a field of another manager is a ``Conflict``. ``strict`` refuses
        fields that the API server does not know."""
        metadata = body["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"], subresource)
        params = {"fieldManager": manager, "force": str(force).lower(), **_dry(dry_run)}
        if strict:
            params["fieldValidation"] = "Strict"
        return await self._ask("patch", resource, "PATCH", path, params, body, _APPLY)

    async def delete(self, resource: Resource, item: Manifest, *, dry_run: bool = False) -> None:
        """Deletes this very object, not another that has its name by now: that is ``Conflict``."""
        metadata = item["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        body = {"preconditions": {"uid": metadata["uid"]}} if "uid" in metadata else {}
        await self._ask("delete", resource, "DELETE", path, _dry(dry_run), body)

    async def _ask(
        self,
        verb: str,
        resource: Resource,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Object:
        what = " ".join((verb, resource.plural, _place(path, resource)))
        wait = FIRST_WAIT
        for attempt in range(1, ATTEMPTS + 1):
            after = None
            try:
                async with self._open(
                    resource, method, path, params, None, body, content_type
                ) as response:
                    self._called(verb, resource.plural, response.status)
                    answer = await _body(response)
                    if response.status < 400:
                        return answer if isinstance(answer, dict) else {}
                    error = error_of(response.status, answer, what.strip())
                    after = _seconds(response.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError) as lost:
                self._called(verb, resource.plural, 0)
                error = Unavailable(f"{what.strip()}: {_said(lost)}")
            if not _is_worth_asking_again(error) or attempt == ATTEMPTS:
                raise error
            await self._pause(after if after is not None else wait * self._jitter())
            wait = min(2 * wait, LONGEST_WAIT)
        raise AssertionError("unreachable")

    def _token(self) -> str:
        try:
            return self._credentials.token()
        except (OSError, NoCredentials) as error:
            raise Unavailable(f"no token to show the API server: {error}") from error

    def _open(
        self,
        resource: Resource,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Any:
        assert self._session is not None, "use the client as a context manager"
        headers = {"Accept": "application/json"}
        if resource.metadata_only:
            headers["Accept"] = _METADATA.format("" if params and "watch" in params else "List")
        if token := self._token():
            headers["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), content_type
        return self._session.request(
            method, path, params=params, data=data, headers=headers, timeout=timeout or _PATIENCE
        )


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _is_worth_asking_again(error: Exception) -> bool:
    """A conflict is not: the answer must be thought over first."""
    return isinstance(error, Unavailable) and not isinstance(error, Conflict)


def _place(path: str, resource: Resource) -> str:
    """``default/x/status`` of the path of an object; "" of a list's."""
    parts = path.removeprefix(f"{resource.root}/").split("/")
    if parts[0] == "namespaces":
        _, namespace, _, *rest = parts
        return "/".join((namespace, *rest))
    return "/".join(parts[1:])


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _seconds(text: str | None) -> float | None:
    """``Retry-After`` in seconds; its other form, a date, is not used by Kubernetes."""
    return min(float(text), LONGEST_WAIT) if text and text.isdigit() else None


async def _body(response: aiohttp.ClientResponse) -> Any:
    text = await response.read()
    try:
        return json.loads(text)
    except ValueError:
        return {"message": text.decode(errors="replace")[:500]} if text else {}


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length: aiohttp's own reader has a limit, objects may be larger."""
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
