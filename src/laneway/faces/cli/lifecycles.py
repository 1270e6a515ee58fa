"""``laneway restart``, ``stop``, ``start``, ``exec``: the processes of a mesh, by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from laneway.adapters.host.programs import run_in_foreground
from laneway.faces.cli.failures import Failed, say
from laneway.faces.cli.process_requests import (
    Process,
    act,
    environment,
    full_name,
    processes,
)
from laneway.faces.cli.server_requests import LocalServer, Server, ServerError
from laneway.faces.cli.terminals import output

_DONE = {"restart": "restarted", "start": "started", "stop": "stopped"}
_PERIOD = 0.2
_PROXY_SETTINGS = ("https_proxy", "all_proxy", "ftp_proxy", "grpc_proxy", "no_grpc_proxy")


def run(server: Server, action: str, names: Sequence[str], seconds: float) -> int:
    """One after another; 1 if one is refused, or is not ready in time."""
    code = 0
    for name in names:
        try:
            act(server, action, name)
        except ServerError as error:
            if not error.code:
                raise
            say(str(error))
            code = 1
            continue
        if action != "stop" and not _ready(server, name, seconds):
            late = f"{name} was {_DONE[action]} and is not ready after {seconds:g} s"
            say(f"{late}; see `laneway logs {name}`")
            code = 1
            continue
        output().print(f"{name} {_DONE[action]}", soft_wrap=True)
    return code


def execute(server: Server, workload: str, command: Sequence[str]) -> int:
    """The command's own exit code; 127 where there is no such program."""
    if not isinstance(server, LocalServer):
        raise Failed("exec runs a command on the machine of the workload: log in there")
    found = environment(server, workload)
    given = {**_inherited(), **found["environment"]}
    try:
        return run_in_foreground(command, given, Path(found["workingDirectory"]))
    except FileNotFoundError as error:
        say(f"{error.filename}: no such program or folder")
        return 127
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return 126


def _inherited() -> dict[str, str]:
    """Without the settings that would lead calls past the sidecar."""
    return {k: v for k, v in os.environ.items() if k.lower() not in _PROXY_SETTINGS}


def _ready(server: Server, name: str, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not any(
        _is(each, name) and each["status"]["state"] == "Ready" for each in processes(server)
    ):
        if time.monotonic() >= until:
            return False
        time.sleep(_PERIOD)
    return True


def _is(process: Process, word: str) -> bool:
    return word in (full_name(process), process["metadata"]["name"])
