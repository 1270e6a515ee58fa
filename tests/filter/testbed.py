"""One Envoy that is a whole call: inbound sidecar, application, outbound sidecar, lanes.

::

    client -> inbound (filter) -> application -> outbound (filter) -> one cluster per lane

The application passes on everything but the route header, after an optional delay. The outbound
side chooses the lane's cluster with the matcher specifier, as the compiler configures it, and the
answer says which cluster that was and which route header came with the request. ``direct-*``
listeners answer by themselves; they are for measuring a filter alone. The ``dynamic`` listener can
be given other configurations while the Envoy runs. All sockets are Unix
sockets, accepted by all workers in turn: a call crosses workers as it would cross proxies.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tests.filter import clients

from laneway import filter as trace_memory
from laneway.adapters.runner.binary import find_envoy

Json = dict[str, Any]

ROUTE_HEADER = "x-asm-prefer-tag"
TRACE_HEADER = "my-request-id"
LANES = ("s1", "s2", "s3")
NO_LANE = "baseline"
EXTENSIONS = "type.googleapis.com/envoy.extensions"
FILTERS = f"{EXTENSIONS}.filters"

Shell = Literal["wasm", "native"]
SHELLS: Sequence[Shell] = ("wasm", "native")


@dataclass(frozen=True, slots=True)
class Pair:
    """The headers of one lane group, whose listeners are ``inbound-{name}`` and so on.

    With ``baggage_key`` the lane is carried by that member of baggage, and not by a trace id; with
    neither, applications pass on the route header. ``loses`` are headers that the application does
    not pass on, and ``renews`` those of which it makes up values of its own. With
    ``gateway_shows`` there is a listener ``gateway-{name}``, which answers as a gateway would pass
    the request on, with the values of these request headers.
    """

    name: str
    route: str = ROUTE_HEADER
    trace: str = TRACE_HEADER
    baggage_key: str = ""
    gateway_shows: tuple[str, ...] = ()
    loses: tuple[str, ...] = (ROUTE_HEADER,)
    renews: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    pairs: Sequence[Pair] = (Pair("a"),)
    options: Mapping[str, Any] = field(default_factory=dict)
    delay: float = 0.0
    workers: int = 4
    shell: Shell = "wasm"
    module: Path | None = None
    """Another native module than the package's."""


class Testbed:
    """A running Envoy and where to reach it."""

    __test__ = False

    def __init__(self, directory: Path, process: subprocess.Popen[bytes], shell: Shell) -> None:
        self.directory = directory
        self.process = process
        self._shell = shell

    def socket(self, listener: str) -> str:
        return str(self.directory / listener)

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def stats(self, name: str) -> dict[str, int]:
        """The counters and gauges whose names match the expression ``name``."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(30)
            admin.connect(self.socket("admin"))
            request = f"GET /stats?format=json&filter={name} HTTP/1.1\r\nhost: a\r\n"
            admin.sendall(request.encode() + b"connection: close\r\n\r\n")
            reply = b"".join(iter(lambda: admin.recv(1 << 16), b""))
        body = reply.partition(b"\r\n\r\n")[2]
        document = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        return {entry["name"]: entry["value"] for entry in document["stats"] if "name" in entry}

    def counters(self) -> dict[str, int]:
        """The filter's own counters, by the last part of their names."""
        if self._shell == "native":  # They are handed to Envoy at the end of an inbound request.
            clients.drive(self.socket("direct-inbound"), [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"], 1)
        names = {"wasm": "wasmcustom", "native": "dynamicmodulescustom"}
        prefix = f"{names[self._shell]}.laneway_trace_memory_"
        return {name.removeprefix(prefix): n for name, n in self.stats(prefix).items()}

    def reconfigure(self, setup: Setup) -> bool:
        """Offer the listener ``dynamic`` an inbound filter of this setup; whether Envoy took it."""
        accepted, rejected = (
            f"listener_manager.lds.update_{verdict}" for verdict in ("success", "rejected")
        )
        before = self.stats("lds.update_")
        _write_dynamic(self.directory, setup, version=sum(before.values()))

        def is_answered() -> bool:
            now = self.stats("lds.update_")
            return any(now[name] > before[name] for name in (accepted, rejected))

        wait_until(is_answered, "Envoy did not answer the update", self)
        return self.stats(accepted)[accepted] > before[accepted]

    def cpu_seconds(self) -> float:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def running(setup: Setup) -> Iterator[Testbed]:
    """An Envoy so set up, ready; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="laneway-") as name:
        directory = Path(name)
        (directory / "envoy.json").write_text(json.dumps(bootstrap(directory, setup)))
        _write_dynamic(directory, setup, version=0)
        command = [str(find_envoy().path), "-c", str(directory / "envoy.json")]
        command += ["--disable-hot-restart", "--concurrency", str(setup.workers)]
        command += ["--drain-time-s", "1"]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--log-level", "warn"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            testbed = Testbed(directory, process, setup.shell)
            wait_until(partial(_is_ready, testbed), "Envoy did not become ready", testbed)
            yield testbed
        finally:
            process.kill()
            process.wait()


def _is_ready(testbed: Testbed) -> bool:
    if testbed.process.poll() is not None:
        raise RuntimeError(f"Envoy ended while starting:\n{testbed.log}")
    try:
        return testbed.stats("server.state").get("server.state") == 0
    except (OSError, ValueError):
        return False


def wait_until(condition: Callable[[], bool], otherwise: str, testbed: Testbed) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise}:\n{testbed.log}")
        time.sleep(0.01)


def _write_dynamic(directory: Path, setup: Setup, version: int) -> None:
    listener = _listener(
        directory / "dynamic",
        lane_filter(trace_memory.INBOUND, setup.pairs[0], setup),
        {"direct_response": {"status": 200}},
    )
    listener["@type"] = "type.googleapis.com/envoy.config.listener.v3.Listener"
    update = {"version_info": str(version), "resources": [listener]}
    (directory / "next.json").write_text(json.dumps(update))
    (directory / "next.json").replace(directory / "lds.json")


def bootstrap(directory: Path, setup: Setup) -> Json:
    listeners: list[Json] = []
    # Named as the compiler names them, and shown by the lane alone.
    clusters = [
        {**_cluster(_outbound(lane), directory / "echo"), "alt_stat_name": lane}
        for lane in (*LANES, NO_LANE)
    ]
    for pair in setup.pairs:
        listeners += _call(directory, setup, pair)
        clusters += [
            _cluster(f"{side}-{pair.name}", directory / f"{side}-{pair.name}")
            for side in ("application", "outbound")
        ]
    listeners += _direct(directory, setup)
    lds = {"path_config_source": {"path": str(directory / "lds.json")}}
    return {
        "node": {"id": "testbed", "cluster": "testbed"},
        "admin": {"address": _pipe(directory / "admin")},
        "static_resources": {"listeners": listeners, "clusters": clusters},
        "dynamic_resources": {"lds_config": {**lds, "resource_api_version": "V3"}},
    }


def _call(directory: Path, setup: Setup, pair: Pair) -> list[Json]:
    delay = {"http_filters": [] if not setup.delay else [_fault(setup.delay)]}
    strip = {
        "request_headers_to_remove": list({pair.route if pair.trace else "", *pair.loses} - {""}),
        "request_headers_to_add": [
            {**_add(each, "made-up"), "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for each in pair.renews
        ],
    }
    answer = {
        "response_headers_to_add": [_add("x-cluster", "%UPSTREAM_CLUSTER%")],
    }
    return [
        _listener(
            directory / f"inbound-{pair.name}",
            lane_filter(trace_memory.INBOUND, pair, setup),
            _to({"cluster": f"application-{pair.name}"}),
        ),
        _listener(
            directory / f"application-{pair.name}",
            delay,
            {**_to({"cluster": f"outbound-{pair.name}"}), **strip},
        ),
        _listener(
            directory / f"outbound-{pair.name}",
            lane_filter(trace_memory.OUTBOUND, pair, setup),
            {**_to({"inline_cluster_specifier_plugin": _lane_choice(pair.route)}), **answer},
        ),
    ]


def _direct(directory: Path, setup: Setup) -> list[Json]:
    """Listeners that answer by themselves, with the route headers that they see."""
    pair = setup.pairs[0]
    seen = [_add(f"x-seen-{p.name}", f"%REQ({p.route})%") for p in setup.pairs]
    route = {
        "direct_response": {"status": 200, "body": {"inline_string": "ok"}},
        "response_headers_to_add": seen,
    }
    sides = (trace_memory.INBOUND, trace_memory.OUTBOUND)
    return [
        _listener(directory / "echo", {}, route),
        *(_gateway(directory, pair, setup) for pair in setup.pairs if pair.gateway_shows),
        *(_listener(directory / f"direct-{s}", lane_filter(s, pair, setup), route) for s in sides),
    ]


def _gateway(directory: Path, pair: Pair, setup: Setup) -> Json:
    shown = [_add(f"x-passed-on-{name}", f"%REQ({name})%") for name in pair.gateway_shows]
    return _listener(
        directory / f"gateway-{pair.name}",
        lane_filter(trace_memory.GATEWAY, pair, setup),
        {"direct_response": {"status": 200}, "response_headers_to_add": shown},
    )


def lane_filter(direction: str, pair: Pair, setup: Setup) -> Json:
    """What a connection manager needs for the filter, by the names of its fields."""
    carrier = (
        {"baggage_key": pair.baggage_key} if pair.baggage_key else {"trace_header": pair.trace}
    )
    if not pair.baggage_key and not pair.trace:
        carrier = {}
    settings = {"direction": direction, "route_header": pair.route, **carrier, **setup.options}
    configuration = {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": json.dumps(settings),
    }
    if setup.shell == "wasm":
        return {"http_filters": [_wasm_filter(configuration)]}
    return _native_filter(direction, pair.name, configuration, setup.module)


def _wasm_filter(configuration: Json) -> Json:
    return {
        "name": "laneway.trace_memory",
        "typed_config": {
            "@type": f"{FILTERS}.http.wasm.v3.Wasm",
            "config": {
                "vm_config": {
                    "vm_id": trace_memory.VM_ID,
                    "runtime": trace_memory.RUNTIME,
                    "code": {"local": {"filename": str(trace_memory.module_path())}},
                },
                "configuration": configuration,
                "failure_policy": "FAIL_OPEN",
            },
        },
    }


def _native_filter(direction: str, group: str, configuration: Json, other: Path | None) -> Json:
    path = other or trace_memory.native_module_path()
    module = {"module": {"local": {"filename": str(path)}}, "do_not_close": True}
    mutation = {
        "@type": f"{EXTENSIONS}.http.early_header_mutation.dynamic_modules.v3"
        ".DynamicModuleEarlyHeaderMutation",
        "dynamic_module_config": module,
        "early_header_mutation_name": group,
        "early_header_mutation_config": configuration,
    }
    logger = {
        "@type": f"{EXTENSIONS}.access_loggers.dynamic_modules.v3.DynamicModuleAccessLog",
        "dynamic_module_config": module,
        "logger_name": group,
        "logger_config": configuration,
    }
    name = "laneway.trace_memory"
    return {
        "early_header_mutation_extensions": [{"name": name, "typed_config": mutation}],
        "access_log": [{"name": name, "typed_config": logger}] if direction != "gateway" else [],
    }


def _lane_choice(route_header: str) -> Json:
    action = "type.googleapis.com/envoy.extensions.router.cluster_specifiers.matcher.v3"

    def to(cluster: str) -> Json:
        typed = {"@type": f"{action}.ClusterAction", "cluster": _outbound(cluster)}
        return {"action": {"name": cluster, "typed_config": typed}}

    header = {
        "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
        "header_name": route_header,
    }
    tree = {
        "input": {"name": "route-header", "typed_config": header},
        "exact_match_map": {"map": {lane: to(lane) for lane in LANES}},
    }
    return {
        "extension": {
            "name": "envoy.router.cluster_specifier_plugin.matcher",
            "typed_config": {
                "@type": f"{action}.MatcherClusterSpecifier",
                "cluster_matcher": {"matcher_tree": tree, "on_no_match": to(NO_LANE)},
            },
        }
    }


def _listener(socket: Path, extensions: Json, route: Json) -> Json:
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": socket.name,
        "generate_request_id": False,
        # The first listener keeps Envoy's limit; the others must take what it let through.
        **({} if socket.name.startswith("inbound") else {"max_request_headers_kb": 96}),
        **extensions,
        "http_filters": [
            *extensions.get("http_filters", ()),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"},
            },
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, **route}],
                }
            ]
        },
    }
    http = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    return {
        "name": socket.name,
        "address": _pipe(socket),
        "connection_balance_config": {"exact_balance": {}},
        "filter_chains": [{"filters": [http]}],
    }


def _outbound(lane: str) -> str:
    return f"outbound|80|{lane}|echo"


def _cluster(name: str, socket: Path) -> Json:
    limits = {"max_connections": 10_000, "max_pending_requests": 10_000, "max_requests": 10_000}
    endpoint = {"endpoint": {"address": _pipe(socket)}}
    return {
        "name": name,
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _fault(seconds: float) -> Json:
    delay = {"fixed_delay": f"{seconds}s", "percentage": {"numerator": 100}}
    typed = {"@type": f"{FILTERS}.http.fault.v3.HTTPFault", "delay": delay}
    return {"name": "envoy.filters.http.fault", "typed_config": typed}


def _to(cluster: Json) -> Json:
    return {"route": {**cluster, "timeout": "0s"}}


def _add(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "keep_empty_value": True}


def _pipe(path: Path) -> Json:
    return {"pipe": {"path": str(path)}}
