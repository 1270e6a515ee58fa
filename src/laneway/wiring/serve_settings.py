"""The settings of a laneway that serves: ``serving`` runs with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from laneway.adapters.http.console_files import ConsoleFiles, ConsoleNotBuilt
from laneway.control.compaction import HistoryBounds
from laneway.wiring.console_paths import console_folder
from laneway.wiring.embedded import Settings


@dataclass(frozen=True, slots=True)
class Tls:
    """The user's own certificate and key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """``data`` holds the store, the API's Unix socket and its certificates. None is the run
    directory of the mesh, which is gone afterwards: for what files declare.

    ``listen`` is where the API listens for TCP; None is nowhere. ``hosts`` are further names under
    which it is reached, and ``tls`` is for those whose clients do not know laneway's own CA.
    ``history`` says how far back revisions are kept. ``console`` is where browsers on this machine
    find the console; it has no TLS, so it is on loopback. ``console_built_later`` serves before the
    console was built, and shows it from then on.
    """

    data: Path | None
    listen: tuple[str, int] | None = None
    hosts: Collection[str] = ()
    tls: Tls | None = None
    mesh: Settings = field(default_factory=Settings)
    history: HistoryBounds = field(default_factory=HistoryBounds)
    console: tuple[str, int] | None = None
    console_built_later: bool = False


def check_console(settings: ServeSettings) -> None:
    """Raises ``ConsoleNotBuilt``."""
    required = settings.console is not None and not settings.console_built_later
    if required and not ConsoleFiles(console_folder).built:
        raise ConsoleNotBuilt
