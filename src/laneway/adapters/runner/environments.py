"""The environment and the command line of a workload's process. Pure.

A process gets the environment of laneway itself, without its proxy settings; then laneway's own
variables, which include the sidecar as proxy; then those of the workload, which take precedence.
References ``$(NAME)`` work as in Kubernetes: they refer to variables that laneway sets, or that
come earlier in ``env``, but not to inherited ones. Unresolved references stay unchanged.
``$$(NAME)`` is the escape.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from laneway.adapters.runner.errors import Unstartable
from laneway.model.placements import SidecarPlacement
from laneway.model.workloads import Workload

_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_PROXY_SETTINGS = frozenset(
    {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "grpc_proxy", "no_proxy"}
    | {"no_grpc_proxy"}
)
# No service's name may match these, because calls of services go through the sidecar.
_NO_PROXY = "localhost,127.0.0.1,::1"
#: Characters of a variable or an argument. Linux takes 128 KiB (``execve(2)``).
_MOST = 128 * 1024


class TooLong(ValueError):
    """References are resolved to more than a process can be given."""


def variables(
    workload: Workload, placement: SidecarPlacement, from_file: Mapping[str, str] = {}
) -> Mapping[str, str]:
    """The variables of laneway and of the workload, to which ``$(NAME)`` may refer.

    ``from_file`` are those of its ``env_file``, in which references are not resolved. Raises
    ``Unstartable``.
    """
    outbound = f"http://{placement.outbound}"
    known = {
        **_ports(workload, placement),
        "http_proxy": outbound,
        "HTTP_PROXY": outbound,
        "no_proxy": _NO_PROXY,
        "NO_PROXY": _NO_PROXY,
        **{name: f"http://{call.address}" for name, call in placement.calls.items()},
        **from_file,
    }
    for name, value in workload.env.items():
        try:
            known[name] = expand(value, known)
        except TooLong as error:
            raise Unstartable(f"workload {workload.name}: env {name}: {error}") from error
    return known


def command_line(workload: Workload, known: Mapping[str, str]) -> list[str]:
    """The command with its references resolved. Raises ``Unstartable``."""
    try:
        return [expand(argument, known) for argument in workload.command]
    except TooLong as error:
        raise Unstartable(f"workload {workload.name}: command: {error}") from error


def environment(
    known: Mapping[str, str], parent: Mapping[str, str], scripts: str
) -> Mapping[str, str]:
    """The whole environment of the process. ``scripts`` is the folder of console scripts.

    It comes last in ``PATH``. So ``laneway-mock`` is found even if its virtual environment is not
    activated, but ``python`` is still the one that the user's shell would start.
    """
    inherited = {k: v for k, v in parent.items() if k.lower() not in _PROXY_SETTINGS}
    path = {**inherited, **known}.get("PATH", os.defpath)
    return {**inherited, **known, "PATH": f"{path}{os.pathsep}{scripts}"}


def expand(text: str, known: Mapping[str, str]) -> str:
    """Resolve ``$(NAME)`` as Kubernetes does. Raises ``TooLong``."""
    length = 0

    def resolve(match: re.Match[str]) -> str:
        nonlocal length
        value = "$" if match[1] is None else known.get(match[1], match[0])
        length += len(value)
        if length > _MOST:
            raise TooLong(f"references to variables make it longer than {_MOST:,} characters")
        return value

    return _REFERENCE.sub(resolve, text)


def _ports(workload: Workload, placement: SidecarPlacement) -> Mapping[str, str]:
    """``PORT`` for the first port, and ``PORT_<NAME>`` (or ``PORT_<number>``) for each port."""
    ports: dict[str, str] = {}
    for port in workload.ports:
        listens = str(placement.application[port.number].port)
        ports.setdefault("PORT", listens)
        ports[f"PORT_{_suffix(port.name or str(port.number))}"] = listens
    return ports


def _suffix(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
