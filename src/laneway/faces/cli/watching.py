"""``laneway up --watch``: what is saved is applied whole, or refused whole with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from rich.console import Console

from laneway.adapters.files import Reading
from laneway.adapters.files.watching import Event, Invalid, Settled, Waiting, watch
from laneway.compile.envoy.limits import check
from laneway.faces.cli.applying import Applied, Outcome, Refused, Unchanged, apply
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.terminals import fact
from laneway.wiring.embedded import Embedded

_STAYS = "what ran before runs on"


class Follower:
    """Applies what is saved to a running mesh, and prints what becomes of it."""

    def __init__(self, console: Console, embedded: Embedded) -> None:
        self._console = console
        self._embedded = embedded
        #: Whether the files differ from what runs, as was said last.
        self._behind = False

    async def follow(self, files: Sequence[str], started: Reading, *, prune: bool) -> None:
        """Apply every change of ``files``, until cancelled. ``started`` is what was read before."""
        self._say("Watching", "", f"{', '.join(files)} for changes.")
        async with aclosing(watch(files, started.contents, prune=prune, check=check)) as events:
            async for event in events:
                await self._take(event)

    async def _take(self, event: Event) -> None:
        match event:
            case Settled(reading):
                if reading.mesh != self._embedded.mesh:
                    print_findings(self._console, reading.findings)
                self._print(await apply(self._embedded, reading.mesh))
            case Invalid(error):
                print_findings(self._console, error.findings)
                self._behind = True
                self._say("refused:", "bold red", f"{error}; {_STAYS}")
            case Waiting(reason):
                self._behind = True
                self._say("waiting:", "bold yellow", f"{reason}; {_STAYS}")

    def _print(self, outcome: Outcome) -> None:
        match outcome:
            case Unchanged():
                if self._behind:
                    self._say("unchanged:", "bold green", "the files declare what runs again")
            case Applied(differences, seconds, late):
                told = f"every proxy acknowledged, after {seconds * 1000:.0f} ms"
                if late:
                    told = f"{', '.join(late)} did not answer and will catch up"
                self._say("applied:", "bold green", f"{', '.join(differences)}; {told}")
            case Refused(differences, rejections, reason):
                for rejection in rejections:
                    self._say("rejected:", "bold red", rejection)
                self._say("refused:", "bold red", f"{reason or ', '.join(differences)}; {_STAYS}")
        self._behind = isinstance(outcome, Refused)

    def _say(self, mark: str, style: str, text: str) -> None:
        self._console.print(fact(mark, style, text), soft_wrap=True)
