"""A cluster's API server that aggregates ``api.laneway.dev``, over TLS.

Users have tokens. Lanes, groups, services and gateways are kept by laneway's own API server, which
does what Kubernetes' does; all else by the one over kmock. What is aggregated is forwarded as
Kubernetes forwards it: with the front proxy's certificate, with headers that name the user, and to
the certificate that the APIService's ``caBundle`` proves.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from tests.adapters.kube.api_servers import ApiServer, no_pause, serving
from tests.faces.operator.certificate_authorities import Authority, authority
from tests.wiring.api_servers import API, Api, api

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials

#: The operator's own.
OPERATOR = "operator"
API_SERVICE = ("apiservices", "", "v1alpha1.api.laneway.dev")
SERVICE_NAME = "laneway-api.laneway-system.svc"
_AGGREGATED = re.compile(r"(/openapi/v3)?/apis/api\.laneway\.dev(/.*)?")
_KEPT_BY_LANEWAY = re.compile(
    r"/(version|openapi/.*|api|apis|api/v1|apis/(laneway\.dev|[a-z]+\.istio\.io|istio\.alibabacloud\.com)(/[^/]+)?"
    r"|apis/laneway\.dev/.*|api/v1/(namespaces/[^/]+/)?services(/.*)?"
    r"|apis/networking\.istio\.io/v1/(namespaces/[^/]+/)?gateways(/.*)?)"
)
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_OWN_ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_OWN_NAME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_OBJECTS = re.compile(r"/apis?/[a-z0-9./]*/(lanegroups|lanes|services|gateways)(/[^/]+)?")
_NOT_PASSED_ON = ("host", "content-length", "transfer-encoding", "connection", "authorization")


@dataclass
class AggregatingCluster:
    """``users`` are by token: their names and groups. ``allowed`` are (user or group, verb,
    resource), and ``reviews`` what the operator asked. ``port`` is where the operator serves the
    aggregated API.

    ``writes`` are those to other objects: who, how, and where. ``failing``: how the API server
    answers writes that match. ``interrupt`` happens before the next one that is no dry run.
    ``decides_first``: as Kubernetes, it forwards only what the user may do. Else the operator's
    own question is all there is. ``guards_objects``: users write lanes and groups, and list what
    the console shows, only where ``allowed`` says so. ``asked`` are all requests.
    """

    folder: Path
    api: Api
    rest: ApiServer
    own: Authority
    proxies: Authority
    users: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    allowed: set[tuple[str, str, str]] = field(default_factory=set)
    reviews: list[Mapping[str, Any]] = field(default_factory=list)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    failing: dict[str, tuple[int, str]] = field(default_factory=dict)
    interrupt: Callable[[], Awaitable[None]] | None = None
    decides_first: bool = False
    guards_objects: bool = False
    asked: list[web.Request] = field(default_factory=list)
    url: str = ""
    port: int = 0

    def client(self) -> Client:
        """The operator's."""
        credentials = Credentials(self.url, self.own.trusting(), lambda: OPERATOR)
        return Client(credentials, pause=no_pause)

    def kubeconfig(self, token: str, name: str = "kubeconfig") -> Path:
        certificate = base64.b64encode(self.own.certificate.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": self.url, "certificate-authority-data": certificate},
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump(config))
        return path

    async def ask(
        self, method: str, path: str, body: Any = None, token: str = "jane", **headers: str
    ) -> tuple[int, Any]:
        """As a user with this token: the code and the document."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        data = None if body is None else io.BytesIO(text)
        given = {"Content-Type": "application/json", **headers}
        given["Authorization"] = f"Bearer {token}"
        connector = aiohttp.TCPConnector(ssl=self.own.trusting())
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, self.url + path, data=data, headers=given) as answer,
        ):
            return answer.status, json.loads(await answer.read())

    async def create(
        self, plural: str, kind: str, spec: Any, token: str = "jane", query: str = ""
    ) -> tuple[int, Any]:
        body = {"apiVersion": API, "kind": kind, "metadata": {}, "spec": spec}
        return await self.ask("POST", f"/apis/{API}/{plural}{query}", body, token)

    def allow(self, who: str, verb: str, *resources: str) -> None:
        self.allowed |= {(who, verb, resource) for resource in resources}

    async def configure(self, **changes: str) -> None:
        """The ConfigMap that says how the API server proves itself."""
        data = {
            "requestheader-client-ca-file": self.proxies.certificate.read_text(),
            "requestheader-allowed-names": '["front-proxy-client"]',
            "requestheader-username-headers": '["X-Remote-User"]',
            "requestheader-group-headers": '["X-Remote-Group"]',
            "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
            **changes,
        }
        metadata = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
        await self.rest.write("configmaps", _object("v1", "ConfigMap", metadata, data=data))

    async def register(self, ca_bundle: bytes | None) -> None:
        """The APIService, as the chart makes it."""
        spec: dict[str, Any] = {"service": {"name": "laneway-api", "namespace": "laneway-system"}}
        if ca_bundle is not None:
            spec["caBundle"] = base64.b64encode(ca_bundle).decode()
        made = _object("apiregistration.k8s.io/v1", "APIService", {"name": API_SERVICE[2]})
        await self.rest.write("apiservices", {**made, "spec": spec})

    # What the server does

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self.users.get(token) if scheme == "Bearer" else None
        if user is None:
            return web.json_response({"message": "Unauthorized", "code": 401}, status=401)
        if _AGGREGATED.fullmatch(request.path):
            return await self._aggregate(request, *user)
        if request.path == _REVIEWS:
            return await self._review(request)
        if request.path in (_OWN_ACCESS, _OWN_NAME):
            return await self._self_review(request, *user)
        if self.guards_objects and (refusal := self._object_refusal(request, *user)):
            return refusal
        if request.method != "GET":
            dry = "dry" if "dryRun" in request.query else "real"
            self.writes.append((user[0], f"{dry} {request.method}", request.path_qs))
            if self.interrupt is not None and dry == "real":
                interrupt, self.interrupt = self.interrupt, None
                await interrupt()
            for pattern, (code, text) in self.failing.items():
                if re.fullmatch(pattern, f"{dry} {request.method} {request.path}"):
                    return web.json_response({"message": text, "code": code}, status=code)
        if _KEPT_BY_LANEWAY.fullmatch(request.path):
            connector: aiohttp.BaseConnector
            connector = aiohttp.UnixConnector(str(self.api.folder / "api.sock"))
            found = await _forwarded(request, "http://laneway", {}, connector=connector)
            return await self._merged(request, found)
        return await _forwarded(request, str(self.rest.url).rstrip("/"), {})

    async def _aggregate(
        self, request: web.Request, user: str, groups: tuple[str, ...]
    ) -> web.StreamResponse:
        if self.decides_first and (refusal := self._refusal(request, user, groups)):
            return refusal
        service = self.rest.objects.get(API_SERVICE)
        if not self.port or service is None:
            return web.Response(status=503, text="service unavailable")
        context = self.trusting(service)
        folder = self.proxies.folder / "proxy"
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        headers = [("X-Remote-User", user), *(("X-Remote-Group", each) for each in groups)]
        url = f"https://127.0.0.1:{self.port}"
        return await _forwarded(
            request, url, headers, ssl_context=context, server_hostname=SERVICE_NAME
        )

    def _refusal(
        self, request: web.Request, user: str, groups: tuple[str, ...]
    ) -> web.Response | None:
        plural = re.match(rf"/apis/{API}/([^/]+)", request.path)
        if plural is None:
            return None
        verb = {"GET": "list", "POST": "create"}[request.method]
        if any((each, verb, plural[1]) in self.allowed for each in (user, *groups)):
            return None
        name = f"{plural[1]}.api.laneway.dev"
        message = f'{name} is forbidden: User "{user}" cannot {verb} resource "{plural[1]}"'
        details = {"group": "api.laneway.dev", "kind": plural[1]}
        status = {"message": message, "reason": "Forbidden", "code": 403, "details": details}
        return web.json_response(status, status=403)

    @staticmethod
    def trusting(service: Mapping[str, Any]) -> ssl.SSLContext:
        bundle = base64.b64decode(service["spec"].get("caBundle", ""))
        return ssl.create_default_context(cadata=bundle.decode() or None)

    async def _review(self, request: web.Request) -> web.Response:
        review = await request.json()
        spec = review["spec"]
        self.reviews.append(spec)
        asked = spec["resourceAttributes"]
        who = (spec["user"], *spec.get("groups", ()))
        allowed = any((each, asked["verb"], asked["resource"]) in self.allowed for each in who)
        status = {"allowed": allowed, **({} if allowed else {"reason": "no rule allows it"})}
        return web.json_response({**review, "status": status}, status=201)

    async def _self_review(
        self, request: web.Request, user: str, groups: tuple[str, ...]
    ) -> web.Response:
        review = await request.json()
        if request.path == _OWN_NAME:
            status: Any = {"userInfo": {"username": user, "groups": list(groups)}}
        else:
            asked = review["spec"]["resourceAttributes"]
            status = {"allowed": self._allows(asked["verb"], asked["resource"], user, groups)}
        return web.json_response({**review, "status": status}, status=201)

    def _allows(self, verb: str, resource: str, user: str, groups: tuple[str, ...]) -> bool:
        return any((each, verb, resource) in self.allowed for each in (user, *groups))

    def _object_refusal(
        self, request: web.Request, user: str, groups: tuple[str, ...]
    ) -> web.Response | None:
        found = _OBJECTS.fullmatch(request.path)
        if found is None or user == OPERATOR:
            return None
        verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(
            request.method, "watch" if "watch" in request.query else "get" if found[2] else "list"
        )
        if self._allows(verb, found[1], user, groups):
            return None
        message = f'{found[1]} is forbidden: User "{user}" cannot {verb} resource "{found[1]}"'
        status = {"kind": "Status", "message": message, "reason": "Forbidden", "code": 403}
        return web.json_response(status, status=403)

    async def _merged(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        """With what is aggregated, in the lists that tell of it."""
        if request.path not in ("/apis", "/openapi/v3") or API_SERVICE not in self.rest.objects:
            return answer
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        listed = json.loads(answer.body)
        if request.path == "/apis":
            version = {"groupVersion": API, "version": "v1alpha1"}
            group = {"name": "api.laneway.dev", "versions": [version], "preferredVersion": version}
            listed["groups"].append(group)
        else:
            root = f"apis/{API}"
            listed["paths"][root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash=1"}
        return web.json_response(listed)


async def _forwarded(
    request: web.Request,
    url: str,
    headers: Mapping[str, str] | list[tuple[str, str]],
    *,
    connector: aiohttp.BaseConnector | None = None,
    ssl_context: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
) -> web.StreamResponse:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    passed = [
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in _NOT_PASSED_ON and not name.lower().startswith("x-remote-")
    ]
    try:
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
            session.request(
                request.method,
                url + request.raw_path,
                headers=[*passed, *pairs],
                data=io.BytesIO(await request.read()),
                ssl=ssl_context or True,
                server_hostname=server_hostname,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as answer,
        ):
            kept = [(n, v) for n, v in answer.headers.items() if n.lower() not in _NOT_PASSED_ON]
            if "watch" not in request.query:
                body = await answer.read()
                return web.Response(status=answer.status, body=body, headers=kept)
            streamed = web.StreamResponse(status=answer.status, headers=kept)
            await streamed.prepare(request)
            async for chunk in answer.content.iter_any():
                await streamed.write(chunk)
            return streamed
    except aiohttp.ClientError as error:
        return web.Response(status=503, text=f"error trying to reach service: {error}")


def _object(api_version: str, kind: str, metadata: Any, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def authorities(folder: Path) -> tuple[Authority, Authority]:
    """Of servers, and of the front proxy."""
    own, proxies = authority(folder / "own"), authority(folder / "proxies")
    own.issue(own.folder / "server")
    own.issue(own.folder / "operator", f"DNS:{SERVICE_NAME}")
    proxies.issue(proxies.folder / "proxy", name="front-proxy-client", usage="clientAuth")
    return own, proxies


@asynccontextmanager
async def aggregating(
    folder: Path, made: tuple[Authority, Authority]
) -> AsyncIterator[AggregatingCluster]:
    """With the users ``operator``, ``jane`` of the group ``dev``, and ``joe``; ``dev`` may look."""
    own, proxies = made
    async with api(own_kinds=False) as kept, serving() as rest:
        cluster = AggregatingCluster(folder, kept, rest, own, proxies)
        cluster.users = {OPERATOR: (OPERATOR, ()), "jane": ("jane", ("dev",)), "joe": ("joe", ())}
        cluster.allow("dev", "create", "explanations", "analyses", "renderings", "previews")
        await cluster.configure()
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", cluster.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(own.folder / "server/tls.crt", own.folder / "server/tls.key")
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        cluster.url = f"https://127.0.0.1:{port}"
        try:
            yield cluster
        finally:
            await rest.cut_watches()  # their connections would be waited for
            await runner.cleanup()


async def until_so(condition: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the state is another's
            await asyncio.sleep(0.01)
