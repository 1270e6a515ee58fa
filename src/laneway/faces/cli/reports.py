"""What happens in a running mesh, line by line, and a status line while it starts."""

from __future__ import annotations

import asyncio
from datetime import datetime

from rich.console import Console
from rich.status import Status
from rich.text import Text

from laneway.control import events
from laneway.control.events import Rejected
from laneway.model.meshes import Mesh

_TROUBLE = (
    events.Unready,
    events.Late,
    events.Exited,
    events.Restarting,
    events.CrashLooping,
    events.RestartFailed,
    events.NotReplaced,
    events.NothingToWatch,
    events.Warned,
    events.GaveUp,
    events.LogLost,
    events.NativeModuleRefused,
    Rejected,
)
_OUTPUT_LINES = 8
#: So many are named while they are waited for.
_FEW = 2


class Reporter:
    """Prints events as they come. While starting, only trouble, and progress on a terminal;
    while stopping, nothing: then the end of a process is no news.
    """

    def __init__(self, console: Console, mesh: Mesh, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._starting = True
        self._stopping = False
        self._ready: set[events.Subject] = set()
        self._waiting: set[events.Subject] = set()
        self._task: asyncio.Task[object] | None = None
        self._outputs: dict[events.Subject, tuple[str, ...]] = {}
        self._whole = 2 * len(mesh.workloads) + len(mesh.gateways)
        self._status = Status("", console=console, spinner="dots")

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.Started | events.Unready):
            self._waiting.add(event.subject)
        elif isinstance(event, events.Ready):
            self._waiting.discard(event.subject)
            self._ready.add(event.subject)
        if self._starting:
            self._show_progress()
        if self._verbose or (not self._stopping and self._is_news(event)):
            self._try_to_print(event)

    def start(self) -> None:
        self._task = asyncio.current_task()
        self._show_progress()
        if self._console.is_terminal:
            self._status.start()

    def started(self) -> None:
        self._starting = False
        self._status.stop()

    def stopping(self) -> None:
        self._stopping = True
        self._status.stop()

    def _try_to_print(self, event: events.Event) -> None:
        """An event comes in the middle of the runner's work; nothing may be raised there."""
        try:
            self._print(event)
        except BrokenPipeError:
            self._stopping = True
            if self._task is not None:
                self._task.cancel()

    def _print(self, event: events.Event) -> None:
        style = "yellow" if _is_trouble(event) else "green"
        clock = datetime.now().strftime("%H:%M:%S")
        line = Text.assemble((clock, "dim"), f" {event.subject} ", (str(event), style))
        self._console.print(line, soft_wrap=True)
        for written in self._new_output(event)[-_OUTPUT_LINES:]:
            self._console.print(Text(f"         | {written}", style="dim"), soft_wrap=True)

    def _new_output(self, event: events.Event) -> tuple[str, ...]:
        """What its process wrote last, less what was printed with an event before."""
        output: tuple[str, ...] = getattr(event, "output", ())
        printed = self._outputs.get(event.subject, ())
        if not output:
            return ()
        self._outputs[event.subject] = output
        return output[len(printed) :] if output[: len(printed)] == printed else output

    def _is_news(self, event: events.Event) -> bool:
        return _is_trouble(event) or not self._starting

    def _show_progress(self) -> None:
        ready = len(self._ready - self._waiting)
        text = f"Starting Envoy proxies and workloads: {ready} of {self._whole} are ready"
        if 0 < len(self._waiting) <= _FEW and ready + len(self._waiting) == self._whole:
            text += f"; not yet {', '.join(sorted(map(str, self._waiting)))}"
        self._status.update(text)


def _is_trouble(event: events.Event) -> bool:
    return isinstance(event, _TROUBLE) and not getattr(event, "asked", False)
