"""Finds out whether an Envoy can load the native lane filter.

A dynamic module is built for one version of Envoy's ABI. Another Envoy may not know dynamic
modules, may lack one of the extensions, or may have another ABI, for which it only logs a warning.
So laneway lets Envoy validate a configuration with both extensions before any proxy starts.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from laneway.adapters.runner.binary import EnvoyBinary

_TYPES = "type.googleapis.com/envoy.extensions"
_MATCHED = "ABI version v0.2.0 matched"
_SECONDS = 20


def refusal(envoy: EnvoyBinary, module: Path) -> str:
    """Why ``envoy`` cannot load ``module``; "" if it can."""
    command = [str(envoy.path), "--mode", "validate", "--log-level", "info"]
    command += ["--config-yaml", json.dumps(_configuration(module))]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer in {_SECONDS} s"
    except OSError as error:
        return f"it cannot be run: {error.strerror}"
    said = answer.stdout.decode(errors="replace").strip().splitlines()
    if answer.returncode != 0:
        return said[-1] if said else f"it exited with {answer.returncode}"
    if any(_MATCHED in line for line in said):
        return ""
    return next((line for line in said if "ABI version" in line), "it did not load the module")


def _configuration(module: Path) -> dict[str, Any]:
    """A listener with both extensions of the filter."""
    settings = {"direction": "inbound", "route_header": "x-lane", "trace_header": "x-request-id"}
    text = {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": json.dumps(settings),
    }
    loaded = {"module": {"local": {"filename": str(module)}}}
    mutation = {
        "@type": f"{_TYPES}.http.early_header_mutation.dynamic_modules.v3"
        ".DynamicModuleEarlyHeaderMutation",
        "dynamic_module_config": loaded,
        "early_header_mutation_name": "trace_memory",
        "early_header_mutation_config": text,
    }
    logger = {
        "@type": f"{_TYPES}.access_loggers.dynamic_modules.v3.DynamicModuleAccessLog",
        "dynamic_module_config": loaded,
        "logger_name": "trace_memory",
        "logger_config": text,
    }
    router = {"@type": f"{_TYPES}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "validation",
        "route_config": {},
        "early_header_mutation_extensions": [{"name": "lanes", "typed_config": mutation}],
        "access_log": [{"name": "lanes", "typed_config": logger}],
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    network_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    }
    listener = {
        "name": "validation",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [network_filter]}],
    }
    return {"static_resources": {"listeners": [listener]}}
