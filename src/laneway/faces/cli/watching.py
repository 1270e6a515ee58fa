"""``laneway up --watch``: what is saved is applied whole, or refused whole with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing

from rich.console import Console

from laneway.adapters.files import Reading
from laneway.adapters.files.watching import Event, Invalid, Settled, Waiting, watch
from laneway.compile.envoy.limits import check
from laneway.control.declared import (
    Applied,
    NotProgrammed,
    Principal,
    Programmed,
    Refused,
    Result,
    Unchanged,
)
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.lane_expiry import refusing_expired
from laneway.faces.cli.terminals import fact
from laneway.schema.reports import ChangeReport
from laneway.wiring.embedded import Embedded
from laneway.wiring.file_objects import as_declared
from laneway.wiring.lane_expiry import LONGEST_WAIT, Clock, follow_expiry, utc_now

_WATCHER = Principal("laneway up --watch")
_STAYS = "what ran before runs on"


class Follower:
    """Applies what is saved to a running mesh, and prints what becomes of it.

    ``applied`` is called with what the files declare, whenever it has been applied.
    """

    def __init__(
        self,
        console: Console,
        embedded: Embedded,
        applied: Callable[[Reading], Awaitable[None]] | None = None,
    ) -> None:
        self._console = console
        self._embedded = embedded
        self._applied = applied
        #: Whether the files differ from what runs, as was said last.
        self._behind = False

    async def follow(self, files: Sequence[str], started: Reading, *, prune: bool) -> None:
        """Apply every change of ``files``, until cancelled. ``started`` is what was read before."""
        self._say("Watching", "", f"{', '.join(files)} for changes.")
        checked = refusing_expired(check)
        async with aclosing(watch(files, started.contents, prune=prune, check=checked)) as events:
            async for event in events:
                await self._take(event)

    async def _take(self, event: Event) -> None:
        match event:
            case Settled(reading):
                if reading.mesh != self._embedded.declarations.state.mesh:
                    print_findings(self._console, reading.findings)
                request = as_declared(reading)
                result = await self._embedded.declarations.apply(request, _WATCHER)
                self._print(result)
                if self._applied is not None and isinstance(result, Applied):
                    await self._applied(reading)
            case Invalid(error):
                print_findings(self._console, error.findings)
                self._behind = True
                self._say("refused:", "bold red", f"{error}; {_STAYS}")
            case Waiting(reason):
                self._behind = True
                self._say("waiting:", "bold yellow", f"{reason}; {_STAYS}")

    async def expire(self, now: Clock = utc_now, longest: float = LONGEST_WAIT) -> None:
        """Take lanes out of the mesh when their time is over, until cancelled. The clock is read
        again after ``longest`` seconds."""
        declarations = self._embedded.declarations
        await follow_expiry(
            lambda: declarations.state.mesh, self._renew, declarations.changed, now, longest
        )

    async def _renew(self) -> bool:
        declarations = self._embedded.declarations
        outcome, version = await declarations.renew(), declarations.state.version
        match outcome:
            case NotProgrammed():
                self._print(Refused(version, outcome=outcome))
            case Programmed():
                self._print(Applied(version, outcome, ()))
        return not isinstance(outcome, NotProgrammed)

    def _print(self, result: Result) -> None:
        match result:
            case Applied(outcome=Unchanged()):
                if self._behind:
                    self._say("unchanged:", "bold green", "the files declare what runs again")
            case Applied(outcome=Programmed(differences, seconds, late)):
                how = f"every proxy acknowledged, after {seconds * 1000:.0f} ms"
                if late:
                    how = f"{', '.join(late)} did not answer and will catch up"
                self._say("applied:", "bold green", f"{_words(differences)}; {how}")
            case Refused(outcome=NotProgrammed(differences, rejections, reason)):
                for rejection in rejections:
                    self._say("rejected:", "bold red", rejection)
                self._say("refused:", "bold red", f"{reason or _words(differences)}; {_STAYS}")
            case Refused(findings=findings, conflicts=conflicts):
                print_findings(self._console, findings)
                for conflict in conflicts:
                    self._say("conflict:", "bold red", str(conflict))
                self._say("refused:", "bold red", f"the change as a whole; {_STAYS}")
        self._behind = isinstance(result, Refused)

    def _say(self, mark: str, style: str, text: str) -> None:
        self._console.print(fact(mark, style, text), soft_wrap=True)


def _words(differences: Iterable[ChangeReport]) -> str:
    """``+lane test/s4, -workload default/x, ~group test (spec.mode)``."""
    signs = {"added": "+", "changed": "~", "removed": "-"}
    texts = []
    for each in differences:
        kind = "group" if each.kind == "LaneGroup" else each.kind.lower()
        fields = f" ({', '.join(each.fields)})" if each.fields else ""
        texts.append(f"{signs[each.change]}{kind} {each.name}{fields}")
    return ", ".join(texts)
