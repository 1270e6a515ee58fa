"""Response headers, access logs and counters that show the intended and the serving lane.

Clusters and endpoints have metadata (service, lane, workload), from which Envoy formats all of
these. The *lane* of a request is the first of the chain to which it was routed. ``?`` is a lane of
which the service has no subset, or that does not exist. So the lane and the serving lane differ if
and only if the request fell back, and ``?`` distinguishes the two causes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.config.core.v3 import base_pb2, substitution_format_string_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.access_loggers.file.v3 import file_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.type.matcher.v3 import string_pb2
from google.protobuf.struct_pb2 import Struct

from laneway.compile.envoy import lane_statistics, names
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.protobuf import packed
from laneway.compile.ir import Target
from laneway.model.names import ObjectName

_NAMESPACE = "laneway"
#: A request header, whose secret value is a setting (``Options.explain``).
EXPLAIN_HEADER = "x-laneway-explain"
_SERVICE = f"%METADATA(CLUSTER:{_NAMESPACE}:service)%"
_LANE = f"%METADATA(CLUSTER:{_NAMESPACE}:lane)%"
_SERVED = f"%UPSTREAM_METADATA({_NAMESPACE}:lane)%"
_WORKLOAD = f"%UPSTREAM_METADATA({_NAMESPACE}:workload)%"


def cluster_metadata(target: Target, lane: str) -> base_pb2.Metadata:
    """The metadata of the cluster that requests of ``lane`` to ``target`` use."""
    service = str(target.service.name)
    lanes = " or ".join(target.chain)
    whose = (
        f"lane {lanes} has" if len(target.chain) == 1 else f"lanes {lanes} have" if lanes else ""
    )
    unavailable = f"{whose} no healthy instance of service {service}" if whose else ""
    return _metadata(
        {
            "service": service,
            "lane": lane,
            "unavailable": unavailable or f"no healthy instance of service {service}",
        }
    )


def endpoint_metadata(workload: ObjectName, lane: str) -> base_pb2.Metadata:
    return _metadata({"workload": str(workload), "lane": lane})


def access_logs(options: Options) -> Iterable[accesslog_pb2.AccessLog]:
    """What a caller's proxy records of each request: counters, and a log where asked for."""
    yield from lane_statistics.statistics_loggers()
    if options.access_log is not None:
        yield _access_log(options.access_log, options.logged_headers)


def _access_log(path: str, headers: Sequence[str]) -> accesslog_pb2.AccessLog:
    """One JSON object for each request, on a line of its own."""
    fields: dict[str, Any] = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "authority": "%REQ(:AUTHORITY)%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "duration_ms": "%DURATION%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "service": _SERVICE,
        "lane": _LANE,
        "served": _SERVED,
        "workload": _WORKLOAD,
    }
    if headers:
        fields["headers"] = {name: f"%REQ({name})%" for name in headers}
    text = substitution_format_string_pb2.SubstitutionFormatString(json_format=_struct(fields))
    config = file_pb2.FileAccessLog(path=path, log_format=text)
    return accesslog_pb2.AccessLog(name="envoy.access_loggers.file", typed_config=packed(config))


@cache
def unavailable_reply() -> hcm_pb2.ResponseMapper:
    """The response of a caller's proxy that found no instance; it names the service and lane."""
    return hcm_pb2.ResponseMapper(
        filter=_flags("UH", "UF"),
        headers_to_add=[header("x-laneway-service", _SERVICE), header("x-laneway-lane", _LANE)],
        body_format_override=_text(f"laneway: %METADATA(CLUSTER:{_NAMESPACE}:unavailable)%\n"),
    )


def to_outsiders(
    reply: hcm_pb2.ResponseMapper, words: str, options: Options
) -> Iterable[hcm_pb2.ResponseMapper]:
    """``reply`` for clients that may get explanations; for others one with ``words``, no names."""
    if options.explain is not None:
        asked = route_components_pb2.HeaderMatcher(
            name=EXPLAIN_HEADER, string_match=string_pb2.StringMatcher(exact=options.explain)
        )
        named = hcm_pb2.ResponseMapper()
        named.CopyFrom(reply)
        by_header = accesslog_pb2.AccessLogFilter(
            header_filter=accesslog_pb2.HeaderFilter(header=asked)
        )
        named.filter.CopyFrom(
            accesslog_pb2.AccessLogFilter(
                and_filter=accesslog_pb2.AndFilter(filters=[reply.filter, by_header])
            )
        )
        yield named
    names_kept = (names.UNREACHABLE_HEADER,)
    yield hcm_pb2.ResponseMapper(
        filter=reply.filter,
        headers_to_add=[each for each in reply.headers_to_add if each.header.key in names_kept],
        body_format_override=_text(f"laneway: {words}\n"),
    )


def refusals() -> Iterable[hcm_pb2.ResponseMapper]:
    """The responses of a gateway without a route: no rule matches, or the lane has no rule."""
    reasons = {
        "NR": "no ingress rule takes this request",
        "NC": "this request must name one of the lanes that may enter here",
    }
    for flag, reason in reasons.items():
        yield hcm_pb2.ResponseMapper(
            filter=_flags(flag), body_format_override=_text(f"laneway: {reason}\n")
        )


@cache
def forbidden_reply() -> hcm_pb2.ResponseMapper:
    """The response of a sidecar that refuses the address of a host outside the mesh."""
    status = accesslog_pb2.ComparisonFilter(op="EQ")
    status.value.default_value = 403
    status.value.runtime_key = "laneway.forbidden"
    return hcm_pb2.ResponseMapper(
        filter=accesslog_pb2.AccessLogFilter(
            status_code_filter=accesslog_pb2.StatusCodeFilter(comparison=status)
        ),
        body_format_override=_text(
            "laneway: the host is on this machine (loopback, or link-local), or serves a cloud's "
            "metadata; a sidecar calls there nothing but services of the mesh; call it without the "
            "proxy (no_proxy)\n"
        ),
    )


@cache
def unknown_host_reply() -> hcm_pb2.ResponseMapper:
    """The response of a sidecar for a host that is neither a service at that port nor in DNS."""
    return hcm_pb2.ResponseMapper(
        filter=_flags("DF"),
        body_format_override=_text(
            "laneway: %REQ(:AUTHORITY)% is no service of the mesh with that port (services are "
            "called by http, at the ports of their Service), and DNS knows no such host\n"
        ),
    )


def unreachable_reply(workload: ObjectName) -> hcm_pb2.ResponseMapper:
    """The response of an inbound proxy that could not connect to its application (flag UF).

    The request certainly reached nothing; the header tells this to the caller's proxy.
    """
    return hcm_pb2.ResponseMapper(
        filter=_flags("UF"),
        headers_to_add=[
            header(names.UNREACHABLE_HEADER, "%RESPONSE_FLAGS%"),
            header("x-laneway-workload", str(workload)),
        ],
        body_format_override=_text(f"laneway: workload {workload} does not accept connections\n"),
    )


@cache
def timed_out_reply() -> hcm_pb2.ResponseMapper:
    """A workload's proxy whose application took longer than a try of a request may (flag UT)."""
    return hcm_pb2.ResponseMapper(
        filter=_flags("UT"),
        headers_to_add=[header(names.TIMED_OUT_HEADER, "%RESPONSE_FLAGS%")],
        body_format_override=_text("laneway: the application did not answer in time\n"),
    )


def explained(
    route: route_components_pb2.Route, header_names: Sequence[str], options: Options
) -> Iterable[route_components_pb2.Route]:
    """``route``, preceded by the same route for clients that may get explanations.

    ``header_names`` are the route headers that the route matches.
    """
    if options.explain is not None:
        warning_about = route_components_pb2.Route()
        warning_about.CopyFrom(route)
        asked = string_pb2.StringMatcher(exact=options.explain)
        warning_about.match.headers.add(name=EXPLAIN_HEADER, string_match=asked)
        warning_about.response_headers_to_add.extend(_explanation(header_names))
        yield warning_about
        quiet = route_components_pb2.Route()
        quiet.CopyFrom(route)
        quiet.request_headers_to_remove.append(EXPLAIN_HEADER)
        route = quiet
    yield route


def _explanation(header_names: Sequence[str]) -> list[base_pb2.HeaderValueOption]:
    intended = "".join(f"%REQ({name})%" for name in header_names)
    words = {
        "x-laneway-service": _SERVICE,
        "x-laneway-intended": intended,
        "x-laneway-lane": _LANE,
        "x-laneway-served": _SERVED,
        "x-laneway-workload": _WORKLOAD,
    }
    return [header(name, value) for name, value in words.items() if value]


def header(
    key: str, value: str, append: str = "OVERWRITE_IF_EXISTS_OR_ADD"
) -> base_pb2.HeaderValueOption:
    return base_pb2.HeaderValueOption(
        header=base_pb2.HeaderValue(key=key, value=value),
        append_action=base_pb2.HeaderValueOption.HeaderAppendAction.Value(append),
    )


def _flags(*flags: str) -> accesslog_pb2.AccessLogFilter:
    return accesslog_pb2.AccessLogFilter(
        response_flag_filter=accesslog_pb2.ResponseFlagFilter(flags=flags)
    )


def _text(text: str) -> substitution_format_string_pb2.SubstitutionFormatString:
    return substitution_format_string_pb2.SubstitutionFormatString(
        text_format_source=base_pb2.DataSource(inline_string=text)
    )


def _metadata(fields: Mapping[str, str]) -> base_pb2.Metadata:
    return base_pb2.Metadata(filter_metadata={_NAMESPACE: _struct(fields)})


def _struct(fields: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct
