"""What protocol a mesh takes a Service's port for. Lanes are chosen by headers, so they need HTTP.

The rules are Istio's (``ConvertProtocol`` in ``pkg/config/kube/conversion.go``): ``appProtocol``
decides, then the port's name up to the first ``-``, then the port's number. A port of which these
say nothing is looked into: what is not HTTP is passed on as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from laneway.model.services import ServicePort

_HTTP = frozenset(["http", "http2", "grpc", "http_proxy", "kubernetes.io/h2c", "kubernetes.io/ws"])
_NOT_HTTP = frozenset(
    ["https", "mongo", "mysql", "redis", "tcp", "tls", "udp", "kubernetes.io/wss"]
)
#: Ports that are never looked into, since their servers speak first: SMTP, DNS, MySQL, MongoDB.
_NEVER_LOOKED_INTO = frozenset([25, 53, 3306, 27017])
#: Protocols that are no HTTP, by the names that ports are given. Istio does not know them, so it
#: looks into the requests, and finds nothing that it could route by.
_BINARY = re.compile(
    "ajp|amqps?|bolt|brpc|cassandra|cql|dubbo|fastcgi|ftp|hsf|jdbc|jmx|kafka|ldaps?|memcached?"
    "|mongodb|mqtts?|mssql|mysqlx|nats|postgres(ql)?|psql|pulsar|rabbitmq|rediss|rmi|rocketmq"
    "|rsocket|smtps?|sofarpc|sqlserver|ssh|ssl|stomp|tars|tcps|thrift|uwsgi|xmpp|zk|zookeeper"
)


@dataclass(frozen=True, slots=True)
class NotHttp:
    """Why a port is not HTTP: ``by`` is a field of the port, ``value`` what stands there."""

    by: str
    value: str

    def __str__(self) -> str:
        return f"its {self.by} {self.value}"


def not_http(port: ServicePort) -> NotHttp | None:
    """Why a mesh does not look into requests to a port, or finds no HTTP there."""
    by, value = ("appProtocol", port.app_protocol) if port.app_protocol else ("name", port.name)
    folded = value.lower()
    if folded in _HTTP or folded.startswith("grpc-web"):
        return None
    first = folded.partition("-")[0]
    if first in _HTTP:
        return None
    if folded in _NOT_HTTP or first in _NOT_HTTP:
        return NotHttp(by, value)
    if port.port in _NEVER_LOOKED_INTO:
        return NotHttp("number", str(port.port))
    named = first.rpartition("/")[2].rstrip("0123456789")
    return NotHttp(by, value) if _BINARY.fullmatch(named) else None
