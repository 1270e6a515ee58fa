"""The exceptions of the runner, in one tree.

``RunnerError``
    ``EnvoyUnavailable``  no usable Envoy binary, or one of an unsupported version
    ``PortUnavailable``   a port that the user fixed is in use, or no free port is left
    ``RunDirectoryUnusable``  the run or log directory has a path too long for sockets, or other
                              users can write to it
    ``Unstartable``       a command or working directory that cannot work, found before starting
    ``NotReady``          a workload or proxy that was started and did not become ready
    ``Closed``            everything is being stopped, or has been

Each message is complete for a terminal: it says what is wrong, where, and what would be right.
Faces catch ``RunnerError`` and print it.
"""

from __future__ import annotations


class RunnerError(Exception):
    """An error that the user can correct. The message says how."""


class EnvoyUnavailable(RunnerError):
    """No usable Envoy: not found, not runnable, or of an unsupported version."""


class PortUnavailable(RunnerError):
    """A port cannot be listened on."""


class RunDirectoryUnusable(RunnerError):
    """A run or log directory that cannot be created, has too long a path, or is not private."""


class Unstartable(RunnerError):
    """A process that cannot be started: its command, its working directory, or the system."""


class NotReady(RunnerError):
    """A workload or proxy runs, or ran, but did not become ready."""


class Closed(RunnerError):
    """Nothing can be started or changed any more."""
