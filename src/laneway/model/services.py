"""Services, as Kubernetes' ``v1/Service`` declares them: a host, ports, and a selector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.model.findings import ObjectKey
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port callers use (``port``) and the workloads' port it leads to (``target``).

    ``target`` is a number, or the name of a workload's port, as Kubernetes' ``targetPort``.
    ``app_protocol`` is Kubernetes', too, and passed on to Services that are rendered.
    """

    port: int
    name: str = ""
    target: int | str = 0
    app_protocol: str = ""

    @property
    def workload_port(self) -> int | str:
        return self.target or self.port


@dataclass(frozen=True, slots=True)
class Service:
    """A callable host. ``selector`` picks its workloads by label, within its namespace.

    ``headless`` (``clusterIP: None``): a mesh's callers choose among its pods by DNS.
    ``external_name``: another host that it stands for (``type: ExternalName``); empty for none.
    ``assumed_for``: the workload that it was assumed for, if nobody declared it
    (``machine_defaults``).
    """

    name: ObjectName
    ports: tuple[ServicePort, ...]
    selector: Mapping[str, str] = field(default_factory=dict)
    headless: bool = False
    external_name: str = ""
    assumed_for: ObjectKey | None = None

    @property
    def host(self) -> str:
        return self.name.host

    def port(self, number: int | None) -> ServicePort | None:
        """The port so numbered; the only (else the first) one for ``None``."""
        if number is None:
            return self.ports[0]
        return next((port for port in self.ports if port.port == number), None)
