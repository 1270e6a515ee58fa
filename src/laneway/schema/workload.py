"""laneway's own kind ``Workload`` (``laneway.dev/v1alpha1``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding
from laneway.model.machine_defaults import PORT
from laneway.model.names import ObjectName
from laneway.model.workloads import (
    DeclaredCall,
    RestartPolicy,
    Workload,
    WorkloadPort,
)
from laneway.schema.field_metadata import About, Constraint, Rule
from laneway.schema.fields import (
    Labels,
    ListenPort,
    Port,
    PortName,
    Shape,
    wrong,
)
from laneway.schema.kind import Built, Kind, Written, no_effect, repeated
from laneway.schema.objects import Metadata, Object
from laneway.schema.readiness import Period, Readiness, Seconds, without_nul


class WorkloadPortSpec(Shape):
    about = About("A port of the application.", "应用的一个端口。", {"name": "http", "port": 8000})

    name: Annotated[
        PortName, About("The name that Services refer to.", "Service 引用的端口名称。", "http")
    ] = ""
    port: Annotated[
        Port, About("The number that Services refer to.", "Service 引用的端口号。", 8000)
    ]
    listen: Annotated[
        ListenPort,
        About(
            "The port of this machine where the sidecar listens; 0 lets laneway choose.",
            "边车在本机监听的端口；0 表示由 laneway 选择。",
            18000,
        ),
    ] = 0


def _variable(text: str) -> str:
    if not text or "=" in text:
        raise wrong(f"`{text}` is not a variable's name", "write a name without =")
    return without_nul(text)


_IPV6_PATTERN = r"\[[0-9a-fA-F:.]+\]"
_IPV4_PATTERN = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_ADDRESS_PATTERN = rf"(localhost|{_IPV4_PATTERN}|{_IPV6_PATTERN}):[0-9]{{1,5}}"


def _address(text: str) -> str:
    """Names of other hosts are not resolved, by laneway or by its proxies."""
    host, _, port = text.rpartition(":")
    if (
        not re.fullmatch(_ADDRESS_PATTERN, text)
        or not 1 <= int(port) <= 65535
        or not (host == "localhost" or _is_ip(host.strip("[]")))
    ):
        advice = "write an IP address, or localhost, and a port, as in 127.0.0.1:9000"
        raise wrong(f"`{text}` is not an address", advice)
    return text


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


Argument = Annotated[
    str,
    AfterValidator(without_nul),
    Constraint("any text without NUL", "不含 NUL 的文本", pattern=r"[^\x00]*"),
]
EnvName = Annotated[
    str,
    AfterValidator(_variable),
    Constraint("not empty, without `=` and NUL", "不为空，不含 `=` 和 NUL", pattern=r"[^=\x00]+"),
]
Address = Annotated[
    str,
    AfterValidator(_address),
    Constraint(
        "`IP:port` or `localhost:port`", "`IP:端口` 或 `localhost:端口`", pattern=_ADDRESS_PATTERN
    ),
]
_NAME_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_CALL_PATTERN = (
    rf"({_NAME_PATTERN}/{_NAME_PATTERN}|{_NAME_PATTERN}(\.{_NAME_PATTERN}(\.svc(\.cluster\.local)?)?)?)"
    "(:[0-9]{1,5})?"
)


def _call(text: str) -> str:
    port = text.rpartition(":")[2] if ":" in text else "1"
    if not re.fullmatch(_CALL_PATTERN, text) or not 1 <= int(port) <= 65535:
        raise wrong(
            f"`{text}` names no service", "write a service, as in cart, shop/cart or cart:80"
        )
    return text


CalledService = Annotated[
    str,
    AfterValidator(_call),
    Constraint(
        "`name`, `namespace/name` or the host of a service, perhaps with `:port`",
        "服务的 `name`、`namespace/name` 或主机名，可加 `:port`",
        pattern=_CALL_PATTERN,
    ),
]
Folder = Annotated[str, Field(min_length=1), Constraint("not empty", "不能为空")]


def _watched(text: str) -> str:
    if not text or "*" in text:
        raise wrong(f"`{text}` is no path", "write a file or a folder, such as src/")
    return without_nul(text)


WatchedPath = Annotated[
    str,
    AfterValidator(_watched),
    Constraint("a path, without `*` and NUL", "路径，不含 `*` 和 NUL", pattern=r"[^*\x00]+"),
]
Command = Annotated[list[Argument], Field(min_length=1)]
Ports = Annotated[list[WorkloadPortSpec], Field(min_length=1)]


class WorkloadSpec(Shape):
    cel_rules = (
        Rule("has(self.command) || has(self.address)", "needs a command or an address"),
        Rule(
            "!has(self.address) || !has(self.ports) || self.ports.size() <= 1",
            "one address cannot serve many ports",
        ),
    )

    command: Annotated[
        Command | None,
        About(
            "What laneway starts, as arguments. `$(PORT)` is the port to listen at.",
            "laneway 启动的命令及其参数。`$(PORT)` 为应用应监听的端口。",
            ["laneway-mock"],
        ),
    ] = None
    address: Annotated[
        Address | None,
        About(
            "Where the application listens, if it chooses its port itself. Without a `command`, it "
            "runs already.",
            "应用自行选定端口时的监听地址。没有 `command` 时，应用须已在运行。",
            "127.0.0.1:9000",
        ),
    ] = None
    working_dir: Annotated[
        Folder | None,
        About(
            "The folder where the command runs, relative to that of the file which declares the "
            "workload, and that folder if not given.",
            "命令的工作目录，相对于声明它的文件所在的目录；不填则为该目录。",
            "services/mocka",
        ),
    ] = None
    env: Annotated[
        dict[EnvName, Argument],
        About(
            "Variables of the environment; `$(PORT)` and other variables are filled in.",
            "环境变量；`$(PORT)` 等变量会被替换。",
            {"bind": "127.0.0.1:$(PORT)"},
        ),
    ] = {}
    env_file: Annotated[
        Folder | None,
        About(
            "A file of lines `NAME=VALUE`, read at each start; relative as `workingDir` is. `env` "
            "wins over it.",
            "由 `NAME=VALUE` 行组成的文件，每次启动时读取；相对路径的规则与 `workingDir` 相同。"
            "`env` 优先。",
            ".env",
        ),
    ] = None
    watch: Annotated[
        list[WatchedPath],
        About(
            "Files and folders whose changes start the workload anew, without costing a request; "
            "relative as `workingDir` is. Not followed: hidden files, `__pycache__`, "
            "`node_modules`, and what editors keep beside a file.",
            "这些文件和文件夹变化时重新启动工作负载，不丢失请求；"
            "相对路径的规则与 `workingDir` 相同。"
            "不包括隐藏文件、`__pycache__`、`node_modules` 和编辑器的临时文件。",
            ["src/", "cart.py"],
        ),
    ] = []
    outbound_port: Annotated[
        ListenPort,
        About(
            "The port of this machine where the sidecar takes the application's calls "
            "(`http_proxy`); 0 lets laneway choose.",
            "边车接收应用对外调用的本机端口（`http_proxy`）；0 表示由 laneway 选择。",
            15001,
        ),
    ] = 0
    call_urls: Annotated[
        list[CalledService],
        About(
            "Services that get a port of their own on loopback, for clients that ignore "
            "`http_proxy`. `CART_URL` (with a port, `CART_8080_URL`) holds the URL.",
            "为忽略 `http_proxy` 的客户端，给这些服务各开一个回环端口，"
            "URL 在 `CART_URL` 中（带端口时为 `CART_8080_URL`）。",
            ["cart", "shop/stock:8080"],
        ),
    ] = []
    ports: Annotated[
        Ports | None,
        About(
            "The application's ports; one with the number 80, if not given.",
            "应用的端口；不填则为一个端口，端口号 80。",
            [{"name": "http", "port": 8000}],
        ),
    ] = None
    readiness: Annotated[
        Readiness,
        About(
            "When the workload may receive requests, as in Kubernetes.",
            "工作负载何时可以接收请求，与 Kubernetes 相同。",
            {"httpGet": {"path": "/healthz"}},
        ),
    ] = Readiness()
    start_timeout_seconds: Annotated[
        Period,
        About(
            "How long the workload may take to become ready.", "工作负载就绪的时限（秒）。", 60.0
        ),
    ] = 30.0
    termination_grace_period_seconds: Annotated[
        Seconds,
        About(
            "How long what is inside the workload and its process may take to end when it stops.",
            "工作负载停止时，其中的请求和进程最多可用多长时间结束（秒）。",
            60.0,
        ),
    ] = 30.0
    restart_policy: Annotated[
        Literal["Always", "Never"],
        About("What happens when the process ends by itself.", "进程自行退出后是否重启。", "Never"),
    ] = "Always"
    calls: Annotated[
        list[CalledService] | None,
        About(
            "The services that a request here leads to calls of, in turn, for `explain` and "
            "`analyze`; if not given, those in `callUrls` or whose URLs are in `env`.",
            "请求到达后依次调用的服务，供 `explain` 和 `analyze` 使用；"
            "不填则取 `callUrls` 或 `env` 中的 URL。",
            ["cart", "shop/stock:8080"],
        ),
    ] = None

    @model_validator(mode="after")
    def _command_or_address(self) -> WorkloadSpec:
        if self.command is None and self.address is None:
            raise wrong(
                "needs a command or an address",
                "laneway starts a command; an address alone is of an application that already runs",
            )
        if self.address is not None and len(self.ports or ()) > 1:
            raise wrong("one address cannot serve many ports", "keep one port")
        return self


class WorkloadMetadata(Metadata):
    labels: Annotated[
        Labels,
        About(
            "What Services and lanes select the workload by.",
            "Service 和泳道据此选择工作负载。",
            {"app": "mocka", "ASM_TRAFFIC_TAG": "v1"},
        ),
    ] = {}


class WorkloadObject(Object):
    metadata: Annotated[
        WorkloadMetadata, About("Name and labels.", "名称和标签。", {"name": "mocka-v1"})
    ]
    spec: Annotated[
        WorkloadSpec,
        About(
            "One instance of an application.",
            "应用的一个实例。",
            {"command": ["laneway-mock"], "ports": [{"port": 8000}]},
        ),
    ]


def _build_workload(document: WorkloadObject) -> Built:
    spec = document.spec
    ports = spec.ports or [WorkloadPortSpec(port=PORT)]
    workload = Workload(
        name=document.metadata.object_name,
        labels=document.metadata.labels,
        ports=tuple(WorkloadPort(p.port, p.name, p.listen) for p in ports),
        command=tuple(spec.command or ()),
        address=spec.address,
        env=spec.env,
        working_dir=spec.working_dir,
        readiness=spec.readiness.probe,
        start_timeout=spec.start_timeout_seconds,
        termination_grace_period=spec.termination_grace_period_seconds,
        restart=RestartPolicy(spec.restart_policy),
        calls=_calls(
            spec.call_urls or None if spec.calls is None else spec.calls,
            document.metadata.namespace,
        ),
        env_file=spec.env_file,
        outbound_port=spec.outbound_port,
        call_urls=_calls(spec.call_urls, document.metadata.namespace) or (),
        watch=tuple(spec.watch),
    )
    started = ("env", "env_file", "working_dir", "restart_policy", "watch")
    given = set() if spec.command else set(spec.model_fields_set)
    if workload.restart is RestartPolicy.ALWAYS:  # a server fills it in
        given.discard("restart_policy")
    idle = [str(WorkloadSpec.model_fields[name].alias) for name in started if name in given]
    why = "laneway does not start an application that it has the address of"
    return workload, [
        *repeated([port.port for port in ports], ("spec", "ports"), "port"),
        *repeated([port.name for port in ports], ("spec", "ports"), "name"),
        *_probed(workload),
        *_call_variables(workload),
        *(no_effect(("spec", name), why, "remove it") for name in idle),
    ]


def _calls(texts: list[str] | None, namespace: str) -> tuple[DeclaredCall, ...] | None:
    """Short names are of the workload's own namespace, as in Kubernetes' DNS."""
    if texts is None:
        return None
    calls = []
    for text in texts:
        host, _, port = text.partition(":")
        home, slash, name = host.partition("/")
        if not slash:
            name, home, *_ = [*host.split("."), namespace]
        calls.append(DeclaredCall(ObjectName(home, name), int(port) if port else None))
    return tuple(calls)


def _call_variables(workload: Workload) -> Iterator[Finding]:
    """Errors of services whose URLs would be in one variable."""
    before: dict[str, DeclaredCall] = {}
    for index, call in enumerate(workload.call_urls):
        first = before.setdefault(call.variable, call)
        if first is not call:
            message = f"the URL of {_written_call(first)} is in {call.variable} already"
            fix = "remove one of them" if first == call else "give one of them its port"
            yield Finding(Code.INVALID_VALUE, message, fix, path=("spec", "callUrls", index))


def _written_call(call: DeclaredCall) -> str:
    return str(call.service) if call.port is None else f"{call.service}:{call.port}"


def _probed(workload: Workload) -> Iterator[Finding]:
    port = workload.readiness.port
    if port and workload.port(port) is None:
        message = f"the probe asks port {port}, which is none of the workload's"
        ports = ", ".join(f"{p.name} {p.number}".strip() for p in workload.ports)
        kind = "tcpSocket" if workload.readiness.path is None else "httpGet"
        path = ("spec", "readiness", kind, "port")
        yield Finding(Code.UNKNOWN_PORT, message, f"its ports: {ports}", path=path)


def _write_workload(workload: Workload) -> Written:
    metadata = WorkloadMetadata.of(
        name=workload.name.name, namespace=workload.name.namespace, labels=dict(workload.labels)
    )
    is_started = bool(workload.command)
    always = workload.restart is RestartPolicy.ALWAYS
    return metadata, WorkloadSpec.of(
        command=list(workload.command) or None,
        address=workload.address,
        working_dir=workload.working_dir,
        env=dict(workload.env) if is_started or workload.env else None,
        env_file=workload.env_file,
        watch=list(workload.watch) or None,
        outbound_port=workload.outbound_port or None,
        call_urls=[_written_call(each) for each in workload.call_urls] or None,
        ports=[
            WorkloadPortSpec.of(name=port.name or None, port=port.number, listen=port.listen)
            for port in workload.ports
        ],
        readiness=Readiness.written(workload.readiness),
        start_timeout_seconds=workload.start_timeout,
        termination_grace_period_seconds=workload.termination_grace_period,
        restart_policy=workload.restart.value if is_started or not always else None,
        calls=None if workload.calls is None else [_written_call(each) for each in workload.calls],
    )


KINDS = (
    Kind(
        "laneway.dev",
        ("v1alpha1",),
        "Workload",
        WorkloadObject,
        Workload,
        _build_workload,
        _write_workload,
    ),
)
