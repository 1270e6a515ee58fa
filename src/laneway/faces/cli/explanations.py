"""The simulator's answer, for people: a table, and one line that sums it up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from laneway.compile.simulate import Hop, Outcome, Request, Why
from laneway.faces.cli.terminals import (
    errors,
    fact,
    listing,
    longest_word,
    output,
    print_hanging,
)
from laneway.model.names import ObjectName

#: Columns between those of the table, and for the reasons so that they can be read.
_GAP = 3
#: Where the calls of services can be stated.
CALLS_OPTION, WORKLOAD_CALLS = "--calls SERVICE=A,B", "`spec.calls` of the Workload"
_LEAST_FOR_REASONS = 30


def print_outcome(
    request: Request,
    outcome: Outcome,
    several_ports: Collection[ObjectName],
    *,
    calls: str = f"with {CALLS_OPTION}, or in {WORKLOAD_CALLS}",
) -> None:
    """``several_ports`` are services whose port is shown, since they have others. ``calls`` says
    where the user can state what services call."""
    console = output()
    print_hanging(console, Text(), _request_line(request))
    console.print()
    if outcome.hops:
        _print_hops(console, outcome.hops, several_ports)
        console.print()
    if outcome.failure is None:
        console.print(fact("->", "bold green", _summary(outcome)), soft_wrap=True)
    else:
        status = f"{outcome.failure.status} " if outcome.failure.status else ""
        console.print(fact("->", "bold red", f"{status}{outcome.failure.message}"), soft_wrap=True)
    if outcome.unknown_calls:
        names = ", ".join(name.short for name in outcome.unknown_calls)
        errors().print(
            f"Calls of {names} are unknown, and the path may go on there: say them {calls}.",
            soft_wrap=True,
        )
    if any(reason.why is Why.WEIGHT for hop in outcome.hops for reason in hop.reasons):
        errors().print(
            "This is one path of several: name a lane in the route header to see its own."
        )


def _print_hops(
    console: Console, hops: Sequence[Hop], several_ports: Collection[ObjectName]
) -> None:
    """A table where every name fits on a line of its column; otherwise hop below hop."""
    rows = [
        (Text(str(number)), _service(hop, several_ports), _lane(hop), _workloads(hop), _why(hop))
        for number, hop in enumerate(hops, 1)
    ]
    heads = ("", "Service", "Lane", "Answered by")
    columns = zip(heads, *(row[:4] for row in rows), strict=True)
    taken = sum(_width(head, cells) + _GAP for head, *cells in columns)
    words = max(longest_word(reason.text) for hop in hops for reason in hop.reasons)
    if console.width - taken >= max(_LEAST_FOR_REASONS, words + len("- ") + _GAP):
        table = listing(*heads, "Why")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    for (number, service, lane, workloads, _), hop in zip(rows, hops, strict=True):
        answered = Text(", ").join(workloads.split())
        about = Text.assemble(service, ": lane ", lane, ", answered by ", answered)
        print_hanging(console, number + Text("  "), about)
        for reason in hop.reasons:
            print_hanging(console, Text("   - ", "dim"), Text(reason.text))


def _width(head: str, cells: Sequence[Text]) -> int:
    return max(cell_len(line) for cell in cells for line in (head, *cell.plain.split("\n")))


def _request_line(request: Request) -> Text:
    line = Text.assemble((f"{request.method} {request.host}{request.path}", "bold"))
    for name, value in request.headers.items():
        line.append(f"  {name}: {value}", "cyan")
    return line


def _summary(outcome: Outcome) -> str:
    """``mocka-v2, mockb-v1, mockc-v2``: who answers, hop by hop."""
    return ", ".join(_names(hop) for hop in outcome.hops)


def _service(hop: Hop, several_ports: Collection[ObjectName]) -> Text:
    port = f":{hop.port}" if hop.service in several_ports else ""
    return Text(f"{hop.service.short}{port}", "bold")


def _lane(hop: Hop) -> Text:
    """The lane that answers, and where another was meant, that one too."""
    if hop.intended == hop.served:
        return Text(hop.served or "-", "green" if hop.served else "dim")
    wanted = f"{hop.intended} -> " if hop.intended else ""
    return Text.assemble(
        (wanted, "yellow"), (hop.served or "none", "yellow" if hop.served else "red")
    )


def _workloads(hop: Hop) -> Text:
    if not hop.workloads:
        return Text("nobody", "red")
    shown = "\n".join(workload.short for workload in hop.workloads[:5])
    more = f"\n{len(hop.workloads) - 5} more" if len(hop.workloads) > 5 else ""
    return Text(f"{shown}{more}")


def _why(hop: Hop) -> Table:
    """A grid, so that what does not fit on a line goes on under its own text."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for reason in hop.reasons:
        grid.add_row(Text("-", "dim"), Text(reason.text))
    return grid


def _names(hop: Hop) -> str:
    names = [workload.short for workload in hop.workloads]
    return names[0] if len(names) == 1 else f"one of {len(names)} of {hop.service.short}"
