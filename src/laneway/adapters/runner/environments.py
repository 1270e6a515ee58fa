"""The environment and the command line of a workload's process. Pure.

First comes the environment of laneway itself, without its proxy settings, which the sidecar
replaces; then laneway's variables; then the workload's own, which take precedence. References
``$(NAME)`` work as in Kubernetes: they refer to variables that laneway sets or that precede in
``env``, never to inherited ones. One that cannot be resolved stays unchanged; ``$$(NAME)`` is the
escape.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from laneway.model.placements import SidecarPlacement
from laneway.model.workloads import Workload

_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_PROXY_SETTINGS = frozenset(
    {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "grpc_proxy", "no_proxy"}
    | {"no_grpc_proxy"}
)
# Names of services must not match these: a call to them goes through the sidecar.
_NO_PROXY = "localhost,127.0.0.1,::1"


def variables(
    workload: Workload, placement: SidecarPlacement, from_file: Mapping[str, str] = {}
) -> Mapping[str, str]:
    """What laneway sets and the workload adds: all that ``$(NAME)`` may refer to. ``from_file`` is
    what its ``env_file`` holds, taken as it stands."""
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
        known[name] = expand(value, known)
    return known


def environment(
    known: Mapping[str, str], parent: Mapping[str, str], scripts: str
) -> Mapping[str, str]:
    """The process's whole environment. ``scripts`` is the folder of console scripts.

    It comes last in ``PATH``, so that ``laneway-mock`` is found though its virtual environment is
    not activated, and ``python`` is still the one that the user's shell would start.
    """
    inherited = {k: v for k, v in parent.items() if k.lower() not in _PROXY_SETTINGS}
    path = {**inherited, **known}.get("PATH", os.defpath)
    return {**inherited, **known, "PATH": f"{path}{os.pathsep}{scripts}"}


def expand(text: str, known: Mapping[str, str]) -> str:
    """Resolve ``$(NAME)`` as Kubernetes does."""

    def resolve(match: re.Match[str]) -> str:
        return "$" if match[1] is None else known.get(match[1], match[0])

    return _REFERENCE.sub(resolve, text)


def _ports(workload: Workload, placement: SidecarPlacement) -> Mapping[str, str]:
    """``PORT`` for the first, and for each ``PORT_<NAME>``, or ``PORT_<number>`` if unnamed."""
    ports: dict[str, str] = {}
    for port in workload.ports:
        listens = str(placement.application[port.number].port)
        ports.setdefault("PORT", listens)
        ports[f"PORT_{_suffix(port.name or str(port.number))}"] = listens
    return ports


def _suffix(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
