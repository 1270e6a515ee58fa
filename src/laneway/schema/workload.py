"""laneway's own kind ``Workload`` (``laneway.dev/v1alpha1``), read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding
from laneway.model.workloads import ReadinessProbe, RestartPolicy, Workload, WorkloadPort
from laneway.schema.fields import (
    Labels,
    ListenPort,
    Metadata,
    Object,
    Port,
    PortName,
    PortReference,
    Shape,
    wrong,
)
from laneway.schema.kind import Built, Kind, no_effect, repeated


class WorkloadPortSpec(Shape):
    name: PortName = ""
    port: Port
    listen: ListenPort = 0


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise wrong(f"the path `{text}` does not begin with /", f"write /{text}")
    return _text(text)


def _text(text: str) -> str:
    """What an argument or a variable can hold."""
    if "\0" in text:
        raise wrong("a NUL character stands in the text", "remove it")
    return text


def _variable(text: str) -> str:
    if not text or "=" in text:
        raise wrong(f"`{text}` is not a variable's name", "write a name without =")
    return _text(text)


class HttpGet(Shape):
    path: Annotated[str, AfterValidator(_path)] = "/"
    port: PortReference = 0


class TcpSocket(Shape):
    port: PortReference = 0


Seconds = Annotated[float, Field(ge=0)]
Period = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Readiness(Shape):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    initial_delay_seconds: Seconds = 0.0
    period_seconds: Period = 1.0
    timeout_seconds: Period = 1.0
    failure_threshold: Count = 3
    success_threshold: Count = 1

    @model_validator(mode="after")
    def _one(self) -> Readiness:
        if self.http_get and self.tcp_socket:
            raise wrong("has both httpGet and tcpSocket", "keep one of them")
        return self

    @property
    def probe(self) -> ReadinessProbe:
        target = self.http_get or self.tcp_socket
        return ReadinessProbe(
            path=self.http_get.path if self.http_get else None,
            port=target.port if target else 0,
            initial_delay=self.initial_delay_seconds,
            period=self.period_seconds,
            timeout=self.timeout_seconds,
            failure_threshold=self.failure_threshold,
            success_threshold=self.success_threshold,
        )


def _address(text: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", text)
    if not match or not 1 <= int(match[2]) <= 65535:
        raise wrong(f"`{text}` is not an address", "write host:port, as in 127.0.0.1:9000")
    return text


Text = Annotated[str, AfterValidator(_text)]
EnvName = Annotated[str, AfterValidator(_variable)]


class WorkloadSpec(Shape):
    command: Annotated[list[Text], Field(min_length=1)] | None = None
    address: Annotated[str, AfterValidator(_address)] | None = None
    working_dir: Annotated[str, Field(min_length=1)] | None = None
    env: dict[EnvName, Text] = {}
    ports: Annotated[list[WorkloadPortSpec], Field(min_length=1)]
    readiness: Readiness = Readiness()
    start_timeout_seconds: Period = 30.0
    restart_policy: Literal["Always", "Never"] = "Always"

    @model_validator(mode="after")
    def _command_or_address(self) -> WorkloadSpec:
        if (self.command is None) == (self.address is None):
            raise wrong(
                "needs one of command and address" + (", has both" if self.command else ""),
                "laneway starts a command; an address is of an application that already runs",
            )
        if self.address is not None and len(self.ports) > 1:
            raise wrong("one address cannot serve many ports", "keep one port")
        return self


class WorkloadMetadata(Metadata):
    labels: Labels = {}


class WorkloadObject(Object):
    metadata: WorkloadMetadata
    spec: WorkloadSpec


def _build_workload(document: WorkloadObject) -> Built:
    spec = document.spec
    workload = Workload(
        name=document.metadata.object_name,
        labels=document.metadata.labels,
        ports=tuple(WorkloadPort(p.port, p.name, p.listen) for p in spec.ports),
        command=tuple(spec.command or ()),
        address=spec.address,
        env=spec.env,
        working_dir=spec.working_dir,
        readiness=spec.readiness.probe,
        start_timeout=spec.start_timeout_seconds,
        restart=RestartPolicy(spec.restart_policy),
    )
    started = ("env", "working_dir", "restart_policy")
    given = spec.model_fields_set if spec.address else ()
    idle = [str(WorkloadSpec.model_fields[name].alias) for name in started if name in given]
    why = "laneway does not start an application that it has the address of"
    return workload, [
        *repeated([port.port for port in spec.ports], ("spec", "ports"), "port"),
        *repeated([port.name for port in spec.ports], ("spec", "ports"), "name"),
        *_probed(workload),
        *(no_effect(("spec", name), why, "remove it") for name in idle),
    ]


def _probed(workload: Workload) -> Iterator[Finding]:
    port = workload.readiness.port
    if port and workload.port(port) is None:
        message = f"the probe asks port {port}, which is none of the workload's"
        ports = ", ".join(f"{p.name} {p.number}".strip() for p in workload.ports)
        kind = "tcpSocket" if workload.readiness.path is None else "httpGet"
        path = ("spec", "readiness", kind, "port")
        yield Finding(Code.UNKNOWN_PORT, message, f"its ports: {ports}", path=path)


KINDS = (Kind("laneway.dev", ("v1alpha1",), "Workload", WorkloadObject, Workload, _build_workload),)
