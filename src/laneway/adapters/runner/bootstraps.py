"""The bootstrap configuration of an Envoy: its identity and its control plane. Pure.

All listeners and clusters come over one incremental ADS stream. The bootstrap has what that stream
needs, and limits that apply from the start. A new proxy without a control plane waits (it is not
``LIVE``) instead of starting empty; one that has its configuration keeps running.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from laneway.adapters.runner.descriptors import MOST_CONNECTIONS
from laneway.control.proxies import GENERATION
from laneway.model.lane_figures import BUCKETS
from laneway.model.placements import Address
from laneway.model.regexes import PROXY_PROGRAM_SIZE

XDS_CLUSTER = "xds"
CLUSTER = "laneway"
_TYPES = "type.googleapis.com/envoy.extensions"

# The statistics to keep, of the 130 that each cluster has. The others, mostly about features that
# laneway never configures, would take more than a third of a cluster's memory (60 kB, not 38).
_CLUSTER_STATISTICS = (
    "upstream_rq_(total|active|timeout|cancelled)",
    "upstream_rq_(pending_(total|active|overflow)|rx_reset|tx_reset|retry.*)",
    "upstream_cx_(total|active|connect_fail|connect_timeout|none_healthy|overflow)",
    "membership_(total|healthy|change)",
    "lb_healthy_panic",
    "outlier_detection[.]ejections_(active|overflow|enforced_(total|.*local_origin_failure))",
    "update_(success|failure|rejected)",
)
# RE2 has no negative lookahead, so this matches names that differ from "cluster." in some letter.
_NOT_CLUSTER = "|".join(
    f"{'cluster.'[:i].replace('.', '[.]')}[^{letter}].*" for i, letter in enumerate("cluster.")
)


def bootstrap(
    node_id: str,
    xds: Address | Path,
    admin: Path,
    *,
    cluster: str = CLUSTER,
    generation: int = 0,
    max_connections: int = MOST_CONNECTIONS,
    token: str = "",
) -> str:
    """The JSON for ``envoy --config-path``. ``xds`` is the address of the control plane.

    ``generation`` tells the control plane which of two processes of the node is newer.
    ``max_connections`` limits downstream connections over all listeners. With ``token`` the proxy
    authenticates as this node; "" means none.
    """
    configuration = {
        "node": {"id": node_id, "cluster": cluster, "metadata": {GENERATION: generation}},
        "admin": {
            "address": {"pipe": {"path": str(admin), "mode": 0o600}},
            "ignore_global_conn_limit": True,
        },
        "dynamic_resources": {
            "ads_config": _ads(token),
            "cds_config": _from_ads(),
            "lds_config": _from_ads(),
        },
        "static_resources": {
            "clusters": [_xds_cluster(xds)],
            "listeners": [probe_listener(probe_socket(admin))],
        },
        "layered_runtime": {
            "layers": [
                {
                    "name": "static",
                    # Envoy's default of 100 is too low.
                    "static_layer": {"re2.max_program_size.error_level": PROXY_PROGRAM_SIZE},
                }
            ]
        },
        "overload_manager": _connection_limit(max_connections),
        "stats_config": {
            "stats_matcher": {"inclusion_list": {"patterns": _statistics()}},
            "histogram_bucket_settings": [{"match": {"prefix": "laneway."}, "buckets": BUCKETS}],
        },
        # Statistics are only read through the admin interface, which flushes them first.
        "stats_flush_on_admin": True,
        # Series of lanes that are no more go, so that a proxy that runs for months does not grow.
        # In units of five seconds, Envoy's flush interval: what 120 flushes did not find changed.
        "stats_eviction_interval": "600s",
    }
    return json.dumps(configuration, indent=1)


def probe_socket(admin: Path) -> Path:
    """The socket for probes of the proxy with this admin socket."""
    return admin.with_name(admin.name.replace("admin", "probe"))


def probe_listener(path: Path) -> dict[str, Any]:
    """A listener that answers each connection with one byte.

    Worker threads serve it like any other listener, so an answer shows that requests are served.
    The admin interface, which runs on Envoy's main thread, cannot show that.
    """
    answer = f"{_TYPES}.filters.network.direct_response.v3.Config"
    network_filter = {
        "name": "envoy.filters.network.direct_response",
        "typed_config": {"@type": answer, "response": {"inline_string": "."}},
    }
    return {
        "name": "probe",
        "address": {"pipe": {"path": str(path), "mode": 0o600}},
        "filter_chains": [{"filters": [network_filter]}],
        # A proxy at its connection limit is busy, but does not hang.
        "ignore_global_conn_limit": True,
    }


def _ads(token: str) -> dict[str, Any]:
    metadata = [{"key": "authorization", "value": f"Bearer {token}"}] if token else []
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [
            {
                "initial_metadata": metadata,
                "envoy_grpc": {
                    "cluster_name": XDS_CLUSTER,
                    # Envoy's default of up to 30 s between attempts is meant for thousands of
                    # proxies that reconnect at the same time.
                    "retry_policy": {
                        "retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"}
                    },
                },
            }
        ],
    }


def _from_ads() -> dict[str, Any]:
    # 0s: wait for the first response without limit.
    return {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}


def _xds_cluster(xds: Address | Path) -> dict[str, Any]:
    address: dict[str, Any]
    if isinstance(xds, Path):
        address = {"pipe": {"path": str(xds)}}
    else:
        address = {"socket_address": {"address": xds.host, "port_value": xds.port}}
    endpoint = {"endpoint": {"address": address}}
    options = f"{_TYPES}.upstreams.http.v3.HttpProtocolOptions"
    cluster: dict[str, Any] = {
        "name": XDS_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": XDS_CLUSTER,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": options,
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
    }
    if isinstance(xds, Address):
        # TCP's keepalive instead of HTTP/2's, because gRPC servers close connections of clients
        # that ping too often, by default more than every five minutes.
        keepalive = {"keepalive_probes": 3, "keepalive_time": 10, "keepalive_interval": 5}
        cluster["upstream_connection_options"] = {"tcp_keepalive": keepalive}
    return cluster


def _statistics() -> list[dict[str, Any]]:
    return [
        {"safe_regex": {"regex": _NOT_CLUSTER}},
        {"prefix": f"cluster.{XDS_CLUSTER}."},
        {"safe_regex": {"regex": f"cluster[.].*[.]({'|'.join(_CLUSTER_STATISTICS)})"}},
    ]


def _connection_limit(connections: int) -> dict[str, Any]:
    monitor = f"{_TYPES}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": monitor,
                    "max_active_downstream_connections": connections,
                },
            }
        ]
    }
