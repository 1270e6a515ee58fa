"""Workloads: one running instance of an application each, with the labels that lanes select by.

A workload is either a command that laneway starts and supervises, or the address of an application
that already runs. Either way it gets a sidecar: its ports are served by the sidecar's inbound
listeners, and its outbound calls go through the sidecar by ``http_proxy``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class WorkloadPort:
    """A port of the application, which services refer to by ``number`` or ``name``.

    ``number`` identifies the port; the application listens at the address that the runner gives it
    (environment ``PORT``, or ``PORT_<NAME>``), since many workloads share one machine.
    ``listen`` fixes the inbound listener's port on that machine; 0 lets the runner choose.
    """

    number: int
    name: str = ""
    listen: int = 0


@dataclass(frozen=True, slots=True)
class DeclaredCall:
    """A service that an application says it calls; ``port`` is the service's, its first for
    ``None``."""

    service: ObjectName
    port: int | None = None

    @property
    def variable(self) -> str:
        """Which holds the URL of the loopback port for it: ``CART_URL``, ``CART_8080_URL``."""
        words = (self.service.name, *([str(self.port)] if self.port else []), "url")
        return re.sub(r"[^A-Z0-9]", "_", "_".join(words).upper())


class RestartPolicy(enum.Enum):
    """What happens when a workload's process ends by itself."""

    ALWAYS = "Always"
    NEVER = "Never"


@dataclass(frozen=True, slots=True)
class ReadinessProbe:
    """When a workload may receive requests; field names and defaults are Kubernetes'.

    With ``path`` an HTTP GET that must answer 200 to 399, else a TCP connection. ``port`` 0 is the
    workload's first port. Times are in seconds.
    """

    path: str | None = None
    port: int | str = 0
    initial_delay: float = 0.0
    period: float = 1.0
    timeout: float = 1.0
    failure_threshold: int = 3
    success_threshold: int = 1


@dataclass(frozen=True, slots=True)
class Workload:
    """One instance. At least one of ``command`` and ``address`` is given.

    ``address`` is the ``host:port`` of an application that listens at a port of its own. laneway
    starts it only if there is a ``command``, too.
    ``env_file`` is relative to ``folder``, and read at each start; ``env`` wins over it.
    ``watch`` are files and folders, relative to ``folder``: when one changes, it is started anew.
    ``outbound_port`` is where the sidecar takes the application's calls; 0 lets the runner choose.
    ``call_urls`` are the calls that get a loopback port each.
    ``folder`` is that of the file which declares it, absolute; ``working_dir`` is relative to it,
    and the default. ``None``: laneway's own folder.
    ``env`` and ``command`` may refer to ``$(PORT)`` and to other variables as Kubernetes does.
    ``termination_grace_period``: seconds that the requests inside it and its process may take to
    end, from the moment that it receives no new ones. Default and name are Kubernetes'.
    ``calls``: all the calls that a request leads to, in turn; ``None`` where they are not declared.
    Only simulation and analysis read it.
    """

    name: ObjectName
    labels: Mapping[str, str]
    ports: tuple[WorkloadPort, ...]
    command: tuple[str, ...] = ()
    address: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str | None = None
    folder: str | None = None
    readiness: ReadinessProbe = ReadinessProbe()
    start_timeout: float = 30.0
    termination_grace_period: float = 30.0
    restart: RestartPolicy = RestartPolicy.ALWAYS
    calls: tuple[DeclaredCall, ...] | None = None
    env_file: str | None = None
    outbound_port: int = 0
    call_urls: tuple[DeclaredCall, ...] = ()
    watch: tuple[str, ...] = ()

    @property
    def has_fixed_port(self) -> bool:
        """Whether two processes of it cannot run at once."""
        return bool(self.command) and self.address is not None

    def port(self, number_or_name: int | str) -> WorkloadPort | None:
        return next((p for p in self.ports if number_or_name in (p.number, p.name)), None)

    def is_selected(self, selector: Mapping[str, str]) -> bool:
        """Whether every label of ``selector`` is set to its value here."""
        labels = self.labels
        return all(labels.get(key) == value for key, value in selector.items())
