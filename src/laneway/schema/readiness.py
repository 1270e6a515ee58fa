"""How a workload is asked whether it is ready: the shape of ``spec.readiness``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from laneway.model.workloads import ReadinessProbe
from laneway.schema.field_metadata import About, Constraint, Rule
from laneway.schema.fields import PortReference, Shape, wrong


def without_nul(text: str) -> str:
    """What an argument or a variable can hold."""
    if "\0" in text:
        raise wrong("a NUL character stands in the text", "remove it")
    return text


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise wrong(f"the path `{text}` does not begin with /", f"write /{text}")
    return without_nul(text)


_PORT = About(
    "One of the workload's ports; the first one, if not given.",
    "工作负载的某个端口；不填则为第一个端口。",
    "http",
)
ProbedPath = Annotated[
    str,
    AfterValidator(_path),
    Constraint("begins with `/`, without NUL", "以 `/` 开头，不含 NUL", pattern=r"/[^\x00]*"),
]


class HttpGet(Shape):
    path: Annotated[
        ProbedPath, About("The path that is asked.", "探测的请求路径。", "/healthz")
    ] = "/"
    port: Annotated[PortReference, _PORT] = 0


class TcpSocket(Shape):
    port: Annotated[PortReference, _PORT] = 0


Seconds = Annotated[float, Field(ge=0)]
Period = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Readiness(Shape):
    cel_rules = (
        Rule(
            "!(has(self.httpGet) && has(self.tcpSocket))",
            "has both httpGet and tcpSocket: keep one of them",
        ),
    )

    http_get: Annotated[
        HttpGet | None,
        About(
            "An HTTP GET, which must answer 200 to 399.",
            "HTTP GET 探测，须返回 200 至 399。",
            {"path": "/healthz"},
        ),
    ] = None
    tcp_socket: Annotated[
        TcpSocket | None,
        About(
            "A TCP connection, which must be accepted; the probe if neither is given.",
            "TCP 探测，须能建立连接；两者都不填时使用此探测。",
            {"port": 8000},
        ),
    ] = None
    initial_delay_seconds: Annotated[
        Seconds, About("The time before the first probe.", "首次探测前的等待时间（秒）。", 0.5)
    ] = 0.0
    period_seconds: Annotated[
        Period, About("The time between probes.", "探测的间隔时间（秒）。", 2.0)
    ] = 1.0
    timeout_seconds: Annotated[
        Period, About("How long a probe may take.", "单次探测的超时时间（秒）。", 2.0)
    ] = 1.0
    failure_threshold: Annotated[
        Count,
        About(
            "So many failed probes in a row make the workload unready.",
            "连续失败这么多次后，工作负载变为未就绪。",
            5,
        ),
    ] = 3
    success_threshold: Annotated[
        Count,
        About(
            "So many successful probes in a row make the workload ready.",
            "连续成功这么多次后，工作负载变为就绪。",
            2,
        ),
    ] = 1

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

    @classmethod
    def written(cls, probe: ReadinessProbe) -> Readiness:
        port = probe.port or None
        http = None if probe.path is None else HttpGet.of(path=probe.path, port=port)
        return cls.of(
            http_get=http,
            tcp_socket=None if http else TcpSocket.of(port=port),
            initial_delay_seconds=probe.initial_delay,
            period_seconds=probe.period,
            timeout_seconds=probe.timeout,
            failure_threshold=probe.failure_threshold,
            success_threshold=probe.success_threshold,
        )
