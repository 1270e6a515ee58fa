"""Which ports a mesh takes for HTTP, as Istio decides it."""

from __future__ import annotations

import pytest

from laneway.model.application_protocols import not_http
from laneway.model.services import ServicePort


@pytest.mark.parametrize(
    "port",
    [
        ServicePort(80),
        ServicePort(80, "http"),
        ServicePort(80, "http2-web"),
        ServicePort(80, "grpc-web"),
        ServicePort(80, "grpc"),
        ServicePort(80, "web"),
        ServicePort(80, "metrics"),
        ServicePort(80, "tri"),
        ServicePort(80, "ws"),
        ServicePort(80, "web-tcp"),
        ServicePort(80, "http-kafka"),
        ServicePort(3306, "http"),
        ServicePort(80, "tcp-x", app_protocol="http"),
        ServicePort(80, "dubbo", app_protocol="kubernetes.io/h2c"),
        ServicePort(80, "https", app_protocol="kubernetes.io/ws"),
        ServicePort(80, "mysql", app_protocol="HTTP"),
        ServicePort(80, "tcp", app_protocol="grpc-web"),
        ServicePort(80, "tcp", app_protocol="example.com/own"),
    ],
    ids=str,
)
def test_http_and_what_may_be_http(port: ServicePort) -> None:
    assert not_http(port) is None


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        (ServicePort(80, "tcp"), "its name tcp"),
        (ServicePort(80, "tcp-x"), "its name tcp-x"),
        (ServicePort(443, "https"), "its name https"),
        (ServicePort(80, "redis-main"), "its name redis-main"),
        (ServicePort(80, "mongo"), "its name mongo"),
        (ServicePort(80, "http", app_protocol="tcp"), "its appProtocol tcp"),
        (ServicePort(80, "http", app_protocol="HTTPS"), "its appProtocol HTTPS"),
        (ServicePort(80, "http", app_protocol="tls"), "its appProtocol tls"),
        (ServicePort(80, app_protocol="kubernetes.io/wss"), "its appProtocol kubernetes.io/wss"),
        (ServicePort(20880, "dubbo"), "its name dubbo"),
        (ServicePort(20880, "dubbo2-rpc"), "its name dubbo2-rpc"),
        (ServicePort(80, "amqp"), "its name amqp"),
        (ServicePort(80, "kafka-external"), "its name kafka-external"),
        (ServicePort(80, "thrift"), "its name thrift"),
        (ServicePort(80, "hessian2-x"), "its name hessian2-x"),
        (ServicePort(80, "postgresql"), "its name postgresql"),
        (
            ServicePort(80, "web", app_protocol="example.com/dubbo"),
            "its appProtocol example.com/dubbo",
        ),
        (ServicePort(3306), "its number 3306"),
        (ServicePort(27017, "database"), "its number 27017"),
    ],
    ids=str,
)
def test_what_is_not_http(port: ServicePort, reason: str) -> None:
    assert str(not_http(port)) == reason
