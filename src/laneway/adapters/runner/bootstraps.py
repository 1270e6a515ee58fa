"""The configuration an Envoy starts with: who it is, and where everything else comes from.

Pure. All listeners and clusters come over one incremental ADS stream; what is here is what that
stream needs, and limits that must hold before it delivers. Without a control plane a proxy that
starts waits (it is not ``LIVE``) instead of coming up empty; one that has been configured goes on.
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

# What is kept of the 130 statistics that every cluster has. The others, mostly about what laneway
# never configures, would be more than a third of a cluster's memory: 60 kB each instead of 38.
_CLUSTER_STATISTICS = (
    "upstream_rq_(total|completed|active|[1-5]xx|[1-5][0-9][0-9]|time|timeout|cancelled)",
    "upstream_rq_(pending_(total|active|overflow)|rx_reset|tx_reset|retry.*)",
    "upstream_cx_(total|active|connect_fail|connect_timeout|none_healthy|overflow)",
    "membership_(total|healthy|change)",
    "lb_healthy_panic",
    "outlier_detection[.]ejections_(active|overflow|enforced_(total|.*local_origin_failure))",
    "update_(success|failure|rejected)",
)
# RE2 has no negative lookahead: a name that departs from "cluster." at some letter.
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
    """The JSON for ``envoy --config-path``. ``xds`` is the control plane, TCP or Unix socket.

    ``generation`` tells the control plane which of two processes of the node is the newer.
    ``max_connections`` is the limit of downstream connections over all listeners. ``token`` proves
    to the control plane that the proxy is this node; "" is none.
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
                    # Envoy's own default of 100 is soon reached.
                    "static_layer": {"re2.max_program_size.error_level": PROXY_PROGRAM_SIZE},
                }
            ]
        },
        "overload_manager": _connection_limit(max_connections),
        "stats_config": {
            "stats_matcher": {"inclusion_list": {"patterns": _statistics()}},
            "histogram_bucket_settings": [{"match": {"prefix": "laneway."}, "buckets": BUCKETS}],
        },
        # Nobody takes statistics but through the admin interface, which flushes first.
        "stats_flush_on_admin": True,
        # Series of lanes that are no more go, so that a proxy that runs for months does not grow.
        # In units of five seconds, Envoy's flush interval: what 120 flushes did not find changed.
        "stats_eviction_interval": "600s",
    }
    return json.dumps(configuration, indent=1)


def probe_socket(admin: Path) -> Path:
    """Where the proxy with this admin socket answers probes."""
    return admin.with_name(admin.name.replace("admin", "probe"))


def probe_listener(path: Path) -> dict[str, Any]:
    """Answers each connection with one byte. As workers serve it like any other listener, an
    answer shows that requests are served, which one of the admin interface does not: that runs on
    Envoy's main thread."""
    answer = f"{_TYPES}.filters.network.direct_response.v3.Config"
    network_filter = {
        "name": "envoy.filters.network.direct_response",
        "typed_config": {"@type": answer, "response": {"inline_string": "."}},
    }
    return {
        "name": "probe",
        "address": {"pipe": {"path": str(path), "mode": 0o600}},
        "filter_chains": [{"filters": [network_filter]}],
        # A proxy that has all the connections that it may have is busy, and not hung.
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
                    # Envoy's default of up to 30 s between attempts is made for thousands of
                    # proxies that come back at once.
                    "retry_policy": {
                        "retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"}
                    },
                },
            }
        ],
    }


def _from_ads() -> dict[str, Any]:
    # 0s: wait for the first answer however long it takes.
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
        # TCP's keepalive and not HTTP/2's: a gRPC server closes the connection of a client that
        # pings more often than it likes, which by default is every five minutes.
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
