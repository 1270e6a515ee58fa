"""What a ``laneway serve`` hands over to the program that replaces it within its process.

``serving`` writes the record when no change is under way, and the new program goes on with the
processes and descriptors that it names. Both may be different versions of laneway. A record that
the new program cannot read is none: everything is ended, and started anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from laneway.adapters.runner.records import (
    PortRecord,
    RunnerRecord,
    SupervisorRecord,
)
from laneway.model.placements import GatewayPlacement, SidecarPlacement
from laneway.wiring.recorded_meshes import MeshUnreadable, RecordedObject, mesh_of_recorded

#: Increase it with every change of the record (``test_handover`` notices).
VERSION = 1


class HandoverUnreadable(Exception):
    """The record is of another version, or damaged. The message says so."""


class NotHandedOver(Exception):
    """The program cannot be replaced now, and everything goes on. The message is the reason."""


@dataclass(frozen=True, slots=True)
class RunningMesh:
    """``objects`` are the active mesh (``recorded_meshes``). ``instances`` has, by workload, the
    name of the process that receives requests. ``tokens`` are the secrets of proxies, by node id.
    ``module`` is the identity of the lane filter that the proxies run.
    """

    objects: tuple[RecordedObject, ...]
    sidecars: tuple[SidecarPlacement, ...]
    gateways: tuple[GatewayPlacement, ...]
    instances: Mapping[str, str]
    tokens: Mapping[str, str]
    ports: tuple[PortRecord, ...]
    runner: RunnerRecord
    module: str


@dataclass(frozen=True, slots=True)
class Handover:
    """Numbers of descriptors: ``store`` is the lock of the store, ``listening`` are the API's
    sockets by their addresses, ``entry`` is that of ``running_servers``. ``problems`` are what is
    wrong with workloads, by name."""

    mesh: RunningMesh
    store: int
    listening: Mapping[str, int]
    problems: Mapping[str, str]
    entry: int | None = None
    version: int = VERSION

    @property
    def descriptors(self) -> frozenset[int]:
        """All that stay open."""
        found = (self.store, self.entry, *self.listening.values(), *_of_mesh(self.mesh))
        return frozenset(each for each in found if each is not None)

    def encoded(self) -> bytes:
        """As JSON."""
        return _RECORD.dump_json(self)

    @classmethod
    def decoded(cls, record: bytes) -> Handover:
        """Raises ``HandoverUnreadable``."""
        try:
            found = _VERSION.validate_json(record).get("version")
            if found != VERSION:
                raise HandoverUnreadable(f"it has version {found}, and not {VERSION}")
            handover = _RECORD.validate_json(record)
            mesh_of_recorded(handover.mesh.objects)
            return handover
        except (ValidationError, MeshUnreadable) as error:
            raise HandoverUnreadable(f"it cannot be read: {error}") from error


_RECORD = TypeAdapter(Handover)
_VERSION = TypeAdapter(dict[str, Any])


def _of_mesh(mesh: RunningMesh) -> Iterator[int | None]:
    for port in mesh.ports:
        yield from (port.held, port.claim)
    runner = mesh.runner
    yield from (runner.directory.lock, runner.reaper.stdin)
    for proxy in runner.proxies:
        yield proxy.memory
        yield from _of_process(proxy.supervisor)
    for workload in runner.workloads:
        yield from _of_process(workload.supervisor)


def _of_process(supervisor: SupervisorRecord) -> Iterator[int | None]:
    if supervisor.process is not None:
        yield from (supervisor.process.stdin, supervisor.process.output)
