"""The simulator's answer, for people: a table, and one line that sums it up."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from laneway.compile.simulate import Hop, Outcome, Request, Why
from laneway.faces.cli.terminals import errors, fact, listing, output
from laneway.model.meshes import Mesh
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName


def print_outcome(mesh: Mesh, request: Request, outcome: Outcome) -> None:
    console = output()
    console.print(_request_line(request))
    console.print()
    if outcome.hops:
        table = listing("", "Service", "Lane", "Answered by", "Why")
        table.columns[1].no_wrap = table.columns[2].no_wrap = True
        for number, hop in enumerate(outcome.hops, 1):
            table.add_row(str(number), _service(mesh, hop), _lane(hop), _workloads(hop), _why(hop))
        console.print(table)
        console.print()
    if outcome.failure is None:
        console.print(fact("->", "bold green", _summary(outcome)), soft_wrap=True)
    else:
        status = f"{outcome.failure.status} " if outcome.failure.status else ""
        console.print(fact("->", "bold red", f"{status}{outcome.failure.message}"), soft_wrap=True)
    if any(reason.why is Why.WEIGHT for hop in outcome.hops for reason in hop.reasons):
        errors().print(
            "This is one path of several: name a lane in the route header to see its own."
        )


def _request_line(request: Request) -> Text:
    line = Text.assemble((f"{request.method} {request.host}{request.path}", "bold"))
    for name, value in request.headers.items():
        line.append(f"  {name}: {value}", "cyan")
    return line


def _summary(outcome: Outcome) -> str:
    """``mocka-v2, mockb-v1, mockc-v2``: who answers, hop by hop."""
    return ", ".join(_names(hop) for hop in outcome.hops)


def _service(mesh: Mesh, hop: Hop) -> Text:
    several = len(mesh.services_by_name[hop.service].ports) > 1
    return Text(f"{_short(hop.service)}{f':{hop.port}' if several else ''}", "bold")


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
    shown = "\n".join(_short(workload) for workload in hop.workloads[:5])
    more = f"\n{len(hop.workloads) - 5} more" if len(hop.workloads) > 5 else ""
    return Text(f"{shown}{more}")


def _why(hop: Hop) -> Table:
    """A grid, so that what does not fit on a line goes on under its own text."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for reason in hop.reasons:
        grid.add_row(Text("-", "dim"), Text(reason.text))
    return grid


def _names(hop: Hop) -> str:
    names = [_short(workload) for workload in hop.workloads]
    return names[0] if len(names) == 1 else f"one of {len(names)} of {_short(hop.service)}"


def _short(name: ObjectName) -> str:
    return name.name if name.namespace == DEFAULT_NAMESPACE else str(name)
