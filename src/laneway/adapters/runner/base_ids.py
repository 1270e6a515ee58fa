"""The base id of an Envoy: a number that a process shares with its successors by hot restart.

Envoy names a file in ``/dev/shm`` after it, and never removes that file. So laneway chooses the
number and writes it to ``base-id`` before Envoy starts. ``proxies``, the orphan reaper (if laneway
was killed), or the next start on the same run directory find it there and clean up.

The sockets over which a process passes its listening sockets to its successor are in the proxy's
own folder. By default Envoy uses abstract sockets, which every user of the machine can open.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

from laneway.adapters.host.private_files import write_file

# Envoy multiplies the number by ten and adds one below three. Its own choice has 28 bits, too.
_BITS = 28
_SHARED_MEMORY = Path("/dev/shm")
# Relative to the folder that Envoy is started in: an absolute path could be too long for a socket.
_SOCKETS = "hot-restart"


def choose_base_id(folder: Path, random: Random) -> None:
    """Chooses a number that no Envoy on this machine uses, and writes it to ``folder``.

    Raises ``OSError``.
    """
    number = random.getrandbits(_BITS)
    while _memory(number).exists():
        number = random.getrandbits(_BITS)
    write_file(folder / "base-id", f"{number}\n")


def hot_restart_arguments(folder: Path, epoch: int) -> Sequence[str]:
    """Options for an Envoy that is started in ``folder``. ``epoch`` counts its hot restarts."""
    return (
        *("--base-id", str(_read(folder))),
        *("--restart-epoch", str(epoch)),
        *("--socket-path", _SOCKETS),
        *("--socket-mode", "600"),
    )


def remove_remains(folder: Path) -> None:
    """Removes the files of Envoys that ran in ``folder`` and have ended. Raises ``OSError``."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        _memory(_read(folder)).unlink()
    (folder / "base-id").unlink(missing_ok=True)
    for socket in folder.glob(f"{_SOCKETS}_*"):
        socket.unlink()


def _read(folder: Path) -> int:
    """Raises ``OSError``, or ``ValueError`` if the content cannot be a base id."""
    descriptor = os.open(folder / "base-id", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, encoding="ascii") as file:
        return int(file.read(20))


def _memory(base_id: int) -> Path:
    return _SHARED_MEMORY / f"envoy_shared_memory_{base_id}0"
