"""What a proxy writes when a client speaks TLS, or no HTTP at all, to a port that speaks HTTP.

Such a client cannot be answered in words: all that it reports is a failed handshake. So the proxy
writes a line to its own output, and the runner makes a warning of it.
"""

from __future__ import annotations

from functools import cache

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.config.core.v3 import base_pb2, substitution_format_string_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.access_loggers.stream.v3 import stream_pb2

from laneway.compile.envoy.protobuf import packed

_TEXT = (
    "laneway: a client spoke to %DOWNSTREAM_LOCAL_ADDRESS%, and not by HTTP; this port speaks "
    "http: if the client's URL begins with https://, write http://\n"
)


@cache
def protocol_error_log() -> accesslog_pb2.AccessLog:
    """One line for each connection that broke the protocol before any request was read."""
    broken = accesslog_pb2.AccessLogFilter(
        response_flag_filter=accesslog_pb2.ResponseFlagFilter(flags=["DPE"])
    )
    no_method = route_components_pb2.HeaderMatcher(
        name=":method", present_match=True, invert_match=True
    )
    unread = accesslog_pb2.AccessLogFilter(
        header_filter=accesslog_pb2.HeaderFilter(header=no_method)
    )
    text = substitution_format_string_pb2.SubstitutionFormatString(
        text_format_source=base_pb2.DataSource(inline_string=_TEXT)
    )
    return accesslog_pb2.AccessLog(
        name="envoy.access_loggers.stderr",
        filter=accesslog_pb2.AccessLogFilter(
            and_filter=accesslog_pb2.AndFilter(filters=[broken, unread])
        ),
        typed_config=packed(stream_pb2.StderrAccessLog(log_format=text)),
    )
