"""What istiod and istio-agent make of EnvoyFilters and WasmPlugins for one sidecar, over real ADS.

Only what decides how the lane filter reaches a proxy, by Istio's sources (1.24 to 1.30):

- EnvoyFilters of the root namespace and of the pod's own apply where their selector matches.
- ``HTTP_FILTER`` with ``INSERT_BEFORE`` puts the value before the filter that it names.
- ``EXTENSION_CONFIG`` with ``ADD`` is served by ECDS, to proxies that ask for its name, as it is.
- A WasmPlugin becomes a filter by discovery, too, without a default; istio-agent has put a file in
  the place of its URL.
- A push sends listeners before extension configurations. One that is gone is not sent any more, and
  its removal is never said (``neverRemoveDelta``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2  # noqa: F401 (in emitted documents)
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.http.wasm.v3 import wasm_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import (  # noqa: F401
    http_connection_manager_pb2,
)
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    Resource,
)
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.json_format import ParseDict

Json = dict[str, Any]

ROOT = "istio-system"
LISTENERS = "type.googleapis.com/envoy.config.listener.v3.Listener"
EXTENSIONS = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
#: Each listener's patch context and WasmPlugin mode.
SIDES = {
    "inbound": ("SIDECAR_INBOUND", "SERVER"),
    "outbound": ("SIDECAR_OUTBOUND", "CLIENT"),
}
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_CONNECTIONS = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"


class Istiod:
    """Serves one sidecar, with the listeners ``inbound`` and ``outbound`` on free ports.

    Both answer by themselves, with the route header that the request has after all filters in
    ``x-seen``. While ``extensions_wait`` is set, no extension configuration is sent.
    """

    def __init__(self, labels: Mapping[str, str], module: Path, route_header: str) -> None:
        self._labels = labels
        self._module = module
        self._route_header = route_header
        self._resources: dict[str, dict[str, Packed]] = {LISTENERS: {}, EXTENSIONS: {}}
        self._streams: dict[Any, dict[str, set[str]]] = {}
        self._pushes = 0
        # A call takes one write at a time, and the proxy may ask for something during a push.
        self._writing = asyncio.Lock()
        self.extensions_wait = False

    async def push(self, documents: Sequence[Json]) -> None:
        """Make all that the documents say, and send it to the proxy that is connected."""
        self._resources = {
            LISTENERS: {
                side: _packed(self._listener(side, documents), Listener()) for side in SIDES
            },
            EXTENSIONS: {
                value["name"]: _packed(value, TypedExtensionConfig())
                for value in self._extensions(documents)
            },
        }
        for context, watched in [*self._streams.items()]:
            await self._send(context, LISTENERS, {*SIDES})
            await self._send(context, EXTENSIONS, watched.get(EXTENSIONS, set()))

    async def deltas(self, _: object, context: Any) -> None:
        watched = self._streams.setdefault(context, {})
        try:
            while (request := await context.read()) is not grpc.aio.EOF:
                names = watched.setdefault(request.type_url, set())
                if request.response_nonce and not request.resource_names_subscribe:
                    assert not request.HasField("error_detail"), request.error_detail.message
                    continue
                names |= {*request.resource_names_subscribe}
                subscribed = {*request.resource_names_subscribe}
                wanted = {*SIDES} if request.type_url == LISTENERS else subscribed
                await self._send(context, request.type_url, wanted)
        finally:
            del self._streams[context]

    async def release(self) -> None:
        """Send the extension configurations that had to wait."""
        self.extensions_wait = False
        for context, watched in [*self._streams.items()]:
            await self._send(context, EXTENSIONS, watched.get(EXTENSIONS, set()))

    async def _send(self, context: Any, type_url: str, names: Iterable[str]) -> None:
        if type_url == EXTENSIONS and self.extensions_wait:
            return
        self._pushes += 1
        version = str(self._pushes)
        found = self._resources.get(type_url, {})
        resources = [
            Resource(name=name, version=version, resource=found[name])
            for name in sorted(names)
            if name in found
        ]
        response = DeltaDiscoveryResponse(type_url=type_url, nonce=version, resources=resources)
        async with self._writing:
            if context in self._streams:
                await context.write(response)

    def _listener(self, side: str, documents: Sequence[Json]) -> Json:
        context, mode = SIDES[side]
        filters = [
            {"name": _ROUTER, "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}}
        ]
        for plugin in self._of("WasmPlugin", documents):
            if plugin["spec"]["match"] == [{"mode": mode}]:
                filters.insert(-1, _plugin_filter(plugin))
        for patch in self._patches("HTTP_FILTER", documents):
            if patch["match"]["context"] == context:
                at = patch["match"]["listener"]["filterChain"]["filter"]
                assert at["name"] == _CONNECTIONS
                assert patch["patch"]["operation"] == "INSERT_BEFORE"
                place = [each["name"] for each in filters].index(at["subFilter"]["name"])
                filters.insert(place, patch["patch"]["value"])
        return _listener(side, filters, self._route_header)

    def _extensions(self, documents: Sequence[Json]) -> Iterator[Json]:
        for patch in self._patches("EXTENSION_CONFIG", documents):
            assert patch["patch"]["operation"] == "ADD"
            yield patch["patch"]["value"]
        for plugin in self._of("WasmPlugin", documents):
            yield _plugin_extension(plugin, self._module)

    def _patches(self, applied_to: str, documents: Sequence[Json]) -> Iterator[Json]:
        for document in self._of("EnvoyFilter", documents):
            for patch in document["spec"]["configPatches"]:
                if patch["applyTo"] == applied_to:
                    yield patch

    def _of(self, kind: str, documents: Sequence[Json]) -> Iterator[Json]:
        """Of the root namespace first, then of the pod's own."""
        for namespace in (ROOT, "default"):
            for document in documents:
                spec = document["spec"]
                selector = spec.get("workloadSelector", {}).get("labels") or (
                    spec.get("selector", {}).get("matchLabels", {}) if kind == "WasmPlugin" else {}
                )
                selected = selector.items() <= self._labels.items()
                here = document["metadata"]["namespace"] == namespace
                if document["kind"] == kind and here and selected:
                    yield document


@asynccontextmanager
async def serving(istiod: Istiod, socket: Path) -> AsyncIterator[None]:
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(
        istiod.deltas,
        request_deserializer=DeltaDiscoveryRequest.FromString,
        response_serializer=DeltaDiscoveryResponse.SerializeToString,
    )
    service = "envoy.service.discovery.v3.AggregatedDiscoveryService"
    handlers = {"DeltaAggregatedResources": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(grace=None)


def _plugin_name(plugin: Json) -> str:
    metadata = plugin["metadata"]
    return f"extensions.istio.io/wasmplugin/{metadata['namespace']}.{metadata['name']}"


def _plugin_filter(plugin: Json) -> Json:
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    types = [f"{_FILTERS}.http.wasm.v3.Wasm", f"{_FILTERS}.http.rbac.v3.RBAC"]
    return {
        "name": _plugin_name(plugin),
        "config_discovery": {"config_source": source, "type_urls": types},
    }


def _plugin_extension(plugin: Json, module: Path) -> Json:
    spec = plugin["spec"]
    configuration = {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": json.dumps(spec["pluginConfig"], separators=(",", ":")),
    }
    config = {
        "name": _plugin_name(plugin),
        "root_id": spec["pluginName"],
        "vm_config": {
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": str(module)}},
        },
        "configuration": configuration,
        "failure_policy": spec["failStrategy"],
    }
    typed = {"@type": f"{_FILTERS}.http.wasm.v3.Wasm", "config": config}
    return {"name": _plugin_name(plugin), "typed_config": typed}


def _listener(side: str, filters: Sequence[Json], route_header: str) -> Json:
    seen = {"header": {"key": "x-seen", "value": f"%REQ({route_header})%"}}
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200},
        "response_headers_to_add": [{**seen, "keep_empty_value": True}],
    }
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    manager = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": side,
        "generate_request_id": False,
        "http_filters": list(filters),
        "route_config": {"virtual_hosts": [host]},
    }
    chain = {"filters": [{"name": _CONNECTIONS, "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    return {"name": side, "address": address, "filter_chains": [chain]}


def _packed(document: Json, message: Any) -> Packed:
    packed = Packed()
    packed.Pack(ParseDict(document, message))
    return packed


async def eventually(found: Any, seconds: float = 60.0) -> Any:
    """The first true answer of the coroutine function ``found``."""
    async with asyncio.timeout(seconds):
        while not (answer := await found()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return answer
