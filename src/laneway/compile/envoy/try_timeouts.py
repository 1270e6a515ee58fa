"""How long each try of a request may take, where a rule at a gateway limits it (``perTryTimeout``).

The gateway cannot end a try itself: Envoy's ``per_try_timeout`` ejects the host that was too slow,
so that the next try would leave the lane, and so would requests of others. So the gateway tells the
workload's proxy, in a header, how long it may wait for the application. That proxy answers 504 with
a header of its own, which the gateway's retries know.

The filter that reads the header is created for requests that have it, and for no others.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from envoy.config.common.mutation_rules.v3 import mutation_rules_pb2
from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.protobuf import packed

_FILTER = "laneway.try_timeout"
#: Read by the router. A listener drops it from requests, so it has to be set after that.
_ENVOYS_HEADER = "x-envoy-upstream-rq-per-try-timeout-ms"


def try_timeout(time: timedelta) -> base_pb2.HeaderValueOption:
    """The header that a gateway sets."""
    milliseconds = max(1, round(time / timedelta(milliseconds=1)))
    return visibility.header(names.TRY_TIMEOUT_HEADER, str(milliseconds))


@cache
def try_timeout_filter() -> hcm_pb2.HttpFilter:
    """For a listener to a workload. It is disabled but for ``limited``."""
    return hcm_pb2.HttpFilter(
        name=_FILTER, typed_config=packed(header_mutation_pb2.HeaderMutation()), disabled=True
    )


def limited(route: route_components_pb2.Route) -> route_components_pb2.Route:
    """The route to an application, for requests that have a time limit."""
    copy = route_components_pb2.Route()
    copy.CopyFrom(route)
    copy.match.headers.add(name=names.TRY_TIMEOUT_HEADER, present_match=True)
    value = f"%REQ({names.TRY_TIMEOUT_HEADER})%"
    changes = header_mutation_pb2.HeaderMutationPerRoute()
    changes.mutations.request_mutations.extend(
        [
            mutation_rules_pb2.HeaderMutation(append=visibility.header(_ENVOYS_HEADER, value)),
            mutation_rules_pb2.HeaderMutation(remove=names.TRY_TIMEOUT_HEADER),
        ]
    )
    # As the route does with answers of applications, so that the gateway does not eject the host.
    status = visibility.header(names.GRPC_STATUS_HEADER, "%RESP(grpc-status)%")
    changes.mutations.response_mutations.extend(
        [
            mutation_rules_pb2.HeaderMutation(append=status),
            mutation_rules_pb2.HeaderMutation(remove="grpc-status"),
        ]
    )
    copy.typed_per_filter_config[_FILTER].CopyFrom(packed(changes))
    return copy
