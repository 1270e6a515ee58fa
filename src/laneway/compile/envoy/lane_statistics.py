"""What callers' proxies count of each request, by lane, and how their statistics are read.

Envoy's stats access logger keeps two histograms of durations in milliseconds: one of all requests,
and one of those that failed. A histogram's count is the number of requests, so one lookup a request
gives both figures. Other than a counter it is not handed on at a hot restart, where the new process
would count again what was read from the old one. There are as many series as there are pairs of a
route and a lane that served it, and a route's name is that of a cluster of the snapshot: what
strangers send makes no series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.type.matcher.v3 import string_pb2
from google.protobuf.struct_pb2 import Struct
from xds.type.v3 import typed_struct_pb2

from laneway.compile.envoy.protobuf import packed
from laneway.model.lane_figures import BUCKETS, LaneFigures, LanePair

#: What ``readings`` reads, as a query to the admin interface.
QUERY = "/stats?format=prometheus&filter=%5Elaneway%5C."

_REQUESTS, _ERRORS = "requests", "errors"
#: Envoy's word where a request has no upstream host.
_NOBODY = "-"
_SERIES = re.compile(
    r"envoy_laneway_(?P<name>requests|errors)_(?P<part>bucket|sum|count)\{"
    r'pair="outbound\|\d+\|(?P<chain>[^|]*)\|(?P<host>[^|"]+)\|(?P<served>[^|"]*)"'
    r'(?:,le="(?P<le>[^"]+)")?\} (?P<value>\S+)'
)
#: gRPC's codes that are the server's fault.
_GRPC_ERRORS = (
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
)


def serving(lane: str) -> str:
    """The ``hostname`` of the lane's endpoints, which ends the tag of what they serve.

    Nothing else uses it: endpoints have addresses, and requests keep the host that they name. The
    same from the endpoints' metadata costs 1,400 instructions more a request. An endpoint without a
    name would be counted by its address.
    """
    return lane or _NOBODY


def readings(text: str) -> Mapping[LanePair, LaneFigures]:
    """From what Envoy answers to ``QUERY``."""
    found: dict[LanePair, _Series] = {}
    for line in text.splitlines():
        if (match := _SERIES.fullmatch(line)) is not None:
            found.setdefault(_pair(match), _Series()).add(match)
    return {pair: series.figures() for pair, series in found.items()}


def _pair(match: re.Match[str]) -> LanePair:
    """The tag is ``outbound|PORT|CHAIN|HOST`` (``names.subset_cluster``), and the serving lane."""
    service, namespace = match["host"].split(".")[:2]
    served = "" if match["served"] == _NOBODY else match["served"]
    return LanePair(f"{namespace}/{service}", match["chain"].split(">")[0], served)


class _Series:
    """Several routes may be of one pair: their ports or chains differ."""

    def __init__(self) -> None:
        self._cumulative: dict[str, int] = {}
        self._milliseconds = 0.0
        self._errors = 0

    def add(self, match: re.Match[str]) -> None:
        name, part, value = match["name"], match["part"], match["value"]
        if name == _ERRORS:
            self._errors += int(value) if part == "count" else 0
        elif part == "bucket":
            self._cumulative[match["le"]] = self._cumulative.get(match["le"], 0) + int(value)
        elif part == "sum":
            self._milliseconds += float(value)

    def figures(self) -> LaneFigures:
        bounds = [*map(str, BUCKETS), "+Inf"]
        upto = [self._cumulative.get(bound, 0) for bound in bounds]
        counts = tuple(each - before for each, before in zip(upto, [0, *upto], strict=False))
        return LaneFigures(counts, self._milliseconds, self._errors)


@cache
def statistics_loggers() -> tuple[accesslog_pb2.AccessLog, ...]:
    return (_logger(_REQUESTS), _logger(_ERRORS, _failed()))


def _logger(
    name: str, only: accesslog_pb2.AccessLogFilter | None = None
) -> accesslog_pb2.AccessLog:
    """A single tag has the route and the lane that served: each tag costs 0.25 % of a hop.

    The configuration is a ``TypedStruct``, since ``stats_scope`` is not yet in the published
    protos for Python; Envoy warns of ``stat_prefix``, its predecessor, in every log.

    Series that nothing is added to any more are removed: see the bootstrap's eviction interval.
    ``%DURATION%`` is always there; of others Envoy logs an error where a request has none.
    """
    pair = {"name": "pair", "value_format": "%UPSTREAM_CLUSTER_RAW%|%UPSTREAM_HOST_NAME%"}
    stat = {"name": name, "tags": [pair]}
    histogram: dict[str, Any] = {
        "stat": stat,
        "unit": "Milliseconds",
        "value_format": "%DURATION%",
    }
    scope: dict[str, Any] = {"prefix": "laneway", "enable_eviction": True}
    value = Struct()
    value.update({"stats_scope": scope, "histograms": [histogram]})
    config = typed_struct_pb2.TypedStruct(
        type_url="type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config", value=value
    )
    return accesslog_pb2.AccessLog(
        name="envoy.access_loggers.stats", filter=only, typed_config=packed(config)
    )


def _failed() -> accesslog_pb2.AccessLogFilter:
    """A status of 500 or more, none at all, or (of gRPC) a code that is the server's fault."""
    by_status = [_status("GE", 500), _status("EQ", 0)]
    header = route_components_pb2.HeaderMatcher(
        name="content-type", string_match=string_pb2.StringMatcher(prefix="application/grpc")
    )
    by_code = accesslog_pb2.AndFilter(
        filters=[
            accesslog_pb2.AccessLogFilter(header_filter=accesslog_pb2.HeaderFilter(header=header)),
            accesslog_pb2.AccessLogFilter(
                grpc_status_filter=accesslog_pb2.GrpcStatusFilter(statuses=_GRPC_ERRORS)
            ),
        ]
    )
    either = [*by_status, accesslog_pb2.AccessLogFilter(and_filter=by_code)]
    return accesslog_pb2.AccessLogFilter(or_filter=accesslog_pb2.OrFilter(filters=either))


def _status(operator: str, code: int) -> accesslog_pb2.AccessLogFilter:
    comparison = accesslog_pb2.ComparisonFilter(op=operator)
    comparison.value.default_value = code
    comparison.value.runtime_key = f"laneway.{operator.lower()}{code}"
    return accesslog_pb2.AccessLogFilter(
        status_code_filter=accesslog_pb2.StatusCodeFilter(comparison=comparison)
    )
