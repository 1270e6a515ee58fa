"""A sandbox in a real cluster: a namespace, lanes with a unique prefix, and an operator.

The operator runs in the test's process, as a service account with the permissions that the chart
grants and no others. Needs an API server with Istio's CRDs and laneway's; no nodes: pods are never
scheduled, and tell what a kubelet would by EndpointSlices that the test writes.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from deploy.charts import documents
from tests.cluster.administrators import Administrator, ApiError, Object, administrating

from laneway.adapters.kube import credentials
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.leases import Terms
from laneway.compile.ownership import GROUP
from laneway.operator.pacing import Pace
from laneway.operator.reconciler import Pass
from laneway.wiring.dialects import istio
from laneway.wiring.operators import Observers, Operator, Settings

ISTIO = "networking.istio.io/v1"
LANEWAY = "laneway.dev/v1alpha1"
GENERATED = {
    "DestinationRule": ISTIO,
    "VirtualService": ISTIO,
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "WasmPlugin": "extensions.istio.io/v1alpha1",
}
#: Seconds for the operator to do something, on a cluster that is busy.
PATIENCE = 30.0
TERMS = Terms(duration=4.0, deadline=3.0, retry=0.5)


async def until(condition: Callable[[], Awaitable[object]], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - the state is another process's
            await asyncio.sleep(0.1)


@dataclass(slots=True)
class Doings:
    """What the operator asked of the API server, in order, and the passes that it made."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)

    def called(self, verb: str, plural: str, code: int) -> None:
        if verb not in ("list", "watch") and plural != "leases":
            self.calls.append((verb, plural))

    def passed(self, result: Pass, _: float) -> None:
        self.passes.append(result)

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter(self.calls)


@dataclass(slots=True)
class Sandbox:
    """``prefix`` begins the names of all that is not in ``namespace``, its group's among them."""

    admin: Administrator
    prefix: str
    kubeconfig: Path
    cleanup: AsyncExitStack

    @property
    def namespace(self) -> str:
        return self.prefix

    async def apply(self, item: Object) -> Object:
        """Made now, deleted at the end."""
        created = await self.admin.apply(item)
        self.cleanup.push_async_callback(self.admin.delete, item)
        return created

    async def is_there(self, item: Object) -> bool:
        return await self.admin.get(item) is not None

    async def condition(self, item: Object, kind: str) -> tuple[str, str, str]:
        """Status, reason and message; empty where there is none."""
        found = await self.admin.get(item) or {}
        for each in found.get("status", {}).get("conditions", ()):
            if each["type"] == kind:
                return each["status"], each["reason"], each["message"]
        return "", "", ""

    async def until_condition(self, item: Object, kind: str, status: str, reason: str = "") -> str:
        """The message, once the condition is so."""
        message = ""

        async def so() -> bool:
            nonlocal message
            found, why, message = await self.condition(item, kind)
            return found == status and reason in ("", why)

        await until(so)
        return message

    async def generated(self) -> dict[str, Object]:
        """What laneway has made for the sandbox's groups, by ``Kind namespace/name``."""
        return {
            f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}": item
            for kind, version in GENERATED.items()
            for item in await self.admin.list(version, kind, "app.kubernetes.io/managed-by=laneway")
            if item["metadata"]["labels"].get(GROUP, "").startswith(self.prefix)
        }

    async def versions(self) -> dict[str, str]:
        """The resource version of everything that the operator writes."""
        items = [*(await self.generated()).items()]
        for kind in ("LaneGroup", "Lane"):
            items += [
                (f"{kind} {item['metadata']['name']}", item)
                for item in await self.admin.list(LANEWAY, kind)
                if item["metadata"]["name"].startswith(self.prefix)
            ]
        return {name: item["metadata"]["resourceVersion"] for name, item in items}

    @asynccontextmanager
    async def operating(
        self, doings: Doings | None = None, identity: str = "one"
    ) -> AsyncIterator[Operator]:
        """An operator that has made its first pass."""
        doings = doings or Doings()
        settings = Settings(
            identity, self.namespace, settle=0.2, pace=Pace(longest_retry=2.0), terms=TERMS
        )
        dialect = istio(b"\0asm", self.namespace)
        begun = len(doings.passes)
        async with Client(credentials.read(self.kubeconfig), called=doings.called) as client:
            operator = Operator(client, dialect, settings, Observers(passed=doings.passed))
            task = asyncio.create_task(operator.run())
            try:
                async with asyncio.timeout(PATIENCE):
                    while not task.done() and len(doings.passes) == begun:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                if task.done():
                    task.result()
                yield operator
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    # The objects of a small mesh: services a and b, a group of both, lanes v1 and v2

    @property
    def group(self) -> Object:
        spec = {
            "routeHeader": "x-lane",
            "services": [f"{self.namespace}/a", f"{self.namespace}/b"],
        }
        return _object(LANEWAY, "LaneGroup", self.prefix, spec)

    def lane(self, version: str, *services: str, **more: Any) -> Object:
        spec = {"group": self.prefix, "selector": {"version": version}, **more}
        if services:
            spec["services"] = [f"{self.namespace}/{service}" for service in services]
        return _object(LANEWAY, "Lane", f"{self.prefix}-{version}", spec)

    def service(self, name: str) -> Object:
        ports = [{"name": "http", "port": 80, "protocol": "TCP"}]
        return _object("v1", "Service", name, {"selector": {"app": name}, "ports": ports}, self)

    def pod(self, app: str, version: str) -> Object:
        """One that no scheduler touches.

        The service account is the sandbox's: a namespace gets its default one a moment later.
        """
        spec = {
            "serviceAccountName": "laneway",
            "schedulingGates": [{"name": "laneway.dev/never"}],
            "containers": [{"name": "none", "image": "none"}],
        }
        pod = _object("v1", "Pod", f"{app}-{version}", spec, self)
        pod["metadata"]["labels"] = {"app": app, "version": version}
        return pod

    def endpoints(self, app: str, **ready: bool) -> Object:
        """``endpoints("a", v1=True)``: pod a-v1 is ready."""
        item: Object = _object("discovery.k8s.io/v1", "EndpointSlice", f"{app}-test", {}, self)
        del item["spec"]
        item["metadata"]["labels"] = {"kubernetes.io/service-name": app}
        found = [
            {
                "addresses": [f"192.0.2.{number}"],
                "conditions": {"ready": state},
                "targetRef": {"kind": "Pod", "name": f"{app}-{version}"},
            }
            for number, (version, state) in enumerate(ready.items(), 1)
        ]
        return {**item, "addressType": "IPv4", "ports": [], "endpoints": found}

    async def declare(self) -> None:
        for app in ("a", "b"):
            await self.apply(self.service(app))
            for version in ("v1", "v2"):
                await self.apply(self.pod(app, version))
            await self.apply(self.endpoints(app, v1=True, v2=True))
        await self.apply(
            {**self.group, "spec": {**self.group["spec"], "baseline": f"{self.prefix}-v1"}}
        )
        await self.apply(self.lane("v1"))
        await self.apply(self.lane("v2", "b"))


def _object(
    api_version: str, kind: str, name: str, spec: Object, sandbox: Sandbox | None = None
) -> Object:
    metadata = {"name": name, **({"namespace": sandbox.namespace} if sandbox else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


@asynccontextmanager
async def sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    """``folder`` is for the service account's kubeconfig."""
    async with administrating(credentials.find()) as admin, AsyncExitStack() as cleanup:
        prefix = f"laneway-test-{secrets.token_hex(3)}"
        made = Sandbox(admin, prefix, folder / "kubeconfig", cleanup)
        await made.apply(_object("v1", "Namespace", prefix, {}))
        for document in documents():
            if document["kind"] in _ACCOUNT:
                await made.apply(_renamed(document, prefix))
        token = await _token(admin, prefix)
        made.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(token)))
        made.kubeconfig.chmod(0o600)
        yield made


_ACCOUNT = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def _renamed(document: Object, prefix: str) -> Object:
    """Of the chart, but of the sandbox's namespace, and of its name where it has none."""
    document = copy.deepcopy(document)
    if "namespace" in document["metadata"]:
        document["metadata"]["namespace"] = prefix
    else:
        document["metadata"]["name"] = prefix
    if document["kind"] == "ClusterRoleBinding":
        document["roleRef"]["name"] = prefix
    for subject in document.get("subjects", ()):
        subject["namespace"] = prefix
    return document


async def _token(admin: Administrator, namespace: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/laneway/token"
    body: Object = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str((await admin.ask("POST", path, body=body))["status"]["token"])


def _kubeconfig(token: str) -> Object:
    """As the administrator's, but for the user."""
    path = Path(os.environ["KUBECONFIG"].split(os.pathsep)[0])
    config = yaml.safe_load(path.read_text())
    current = next(c for c in config["contexts"] if c["name"] == config["current-context"])
    named = current["context"]["cluster"]
    cluster = dict(next(c["cluster"] for c in config["clusters"] if c["name"] == named))
    if file := cluster.pop("certificate-authority", None):
        data = (path.parent / file).read_bytes()
        cluster["certificate-authority-data"] = base64.b64encode(data).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "laneway", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "cluster", "user": "laneway"}}],
        "current-context": "test",
    }


async def obstacle(admin: Administrator) -> str:
    """Why tests must not, or cannot, run an operator of their own here; "" where they may."""
    wanted = {
        LANEWAY: ("LaneGroup", "Lane", "laneway's CRDs: kubectl apply -f deploy/manifests/"),
        **{version: (kind, "Istio's CRDs") for kind, version in GENERATED.items()},
    }
    for version, (*kinds, what) in wanted.items():
        for kind in kinds:
            try:
                await admin.list(version, kind)
            except (ApiError, KeyError):
                return f"the cluster lacks {kind} of {version}: install {what}"
    if where := await _leading(admin):
        return (
            f"an operator leads in namespace {where}, and would do the tests' work: "
            f"kubectl -n {where} scale deployment laneway --replicas 0"
        )
    names = [
        item["metadata"]["name"]
        for kind in ("LaneGroup", "Lane")
        for item in await admin.list(LANEWAY, kind)
    ]
    if names:
        return f"the cluster has lanes, which the tests' operator would act on: {names[:5]}"
    return ""


async def _leading(admin: Administrator) -> str:
    """The namespace of a lease of laneway's that is being renewed."""
    first = await _leases(admin)
    if not first:
        return ""
    await asyncio.sleep(2 * Terms().retry)
    second = await _leases(admin)
    return next((name for name, spec in first.items() if second.get(name) not in (None, spec)), "")


async def _leases(admin: Administrator) -> dict[str, Object]:
    return {
        lease["metadata"]["namespace"]: lease["spec"]
        for lease in await admin.list("coordination.k8s.io/v1", "Lease")
        if lease["metadata"]["name"] == "laneway-operator"
        and (lease.get("spec") or {}).get("holderIdentity")
    }
