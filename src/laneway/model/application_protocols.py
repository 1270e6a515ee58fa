"""The protocol that a mesh assumes for a Service's port. Lanes need HTTP, as headers choose them.

The rules are Istio's (``ConvertProtocol`` in ``pkg/config/kube/conversion.go``): ``appProtocol``
decides, then the port's name up to the first ``-``, then the port's number. Otherwise the proxy
sniffs the protocol, and passes everything that is not HTTP on unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from laneway.model.services import ServicePort

_HTTP = frozenset(["http", "http2", "grpc", "http_proxy", "kubernetes.io/h2c", "kubernetes.io/ws"])
_NOT_HTTP = frozenset(
    ["https", "mongo", "mysql", "redis", "tcp", "tls", "udp", "kubernetes.io/wss"]
)
#: Ports without protocol sniffing, because their servers send first: SMTP, DNS, MySQL, MongoDB.
_NEVER_LOOKED_INTO = frozenset([25, 53, 3306, 27017])
#: Names of protocols that are not HTTP. Istio does not know them, so it sniffs the protocol, and
#: finds no header to route by.
_BINARY = re.compile(
    "ajp|amqps?|bolt|brpc|cassandra|cql|dubbo|fastcgi|ftp|hsf|jdbc|jmx|kafka|ldaps?|memcached?"
    "|mongodb|mqtts?|mssql|mysqlx|nats|postgres(ql)?|psql|pulsar|rabbitmq|rediss|rmi|rocketmq"
    "|rsocket|smtps?|sofarpc|sqlserver|ssh|ssl|stomp|tars|tcps|thrift|uwsgi|xmpp|zk|zookeeper"
)


@dataclass(frozen=True, slots=True)
class NotHttp:
    """Why a port is not HTTP: the field ``by`` of the port has this ``value``."""

    by: str
    value: str

    def __str__(self) -> str:
        return f"its {self.by} {self.value}"


def not_http(port: ServicePort) -> NotHttp | None:
    """Why a mesh does not treat the port as HTTP, or None if it does."""
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
