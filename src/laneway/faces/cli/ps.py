"""``laneway ps``, ``proxy-status``, ``top``: what runs, and how it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from laneway.faces.cli.output_formats import Format, print_documents, print_names, print_rows
from laneway.faces.cli.process_requests import Process, full_name, processes
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import errors, fact

_DISCOVERY = ("CDS", "LDS", "EDS", "RDS", "SRDS")


def run(server: Server, form: Format, *, workloads: bool = False, proxies: bool = False) -> int:
    wanted = {"Workload"} if workloads and not proxies else {"Proxy"} if proxies else None
    if workloads and proxies:
        wanted = None
    found = [each for each in processes(server) if wanted is None or each["spec"]["type"] in wanted]
    columns = ["Name", "Type", "State", "PID", "Restarts", "Memory", "Ports"]
    wide = form is Format.WIDE
    if wide:
        columns += ["Lanes", "Of", "Message"]
    _print(found, form, columns, (_row(each, wide=wide) for each in found))
    return 0


def proxy_status(server: Server, form: Format) -> int:
    """1 unless every proxy is connected and has acknowledged all that it should have."""
    found = [each for each in processes(server) if each["spec"]["type"] == "Proxy"]
    columns = ["Name", "Role", *_DISCOVERY]
    wide = form is Format.WIDE
    if wide:
        columns += ["Of", "PID"]
    rows = (
        [
            full_name(each),
            each["spec"]["role"],
            *(each["status"]["resources"][service] for service in _DISCOVERY),
            *([each["spec"]["of"], each["status"]["pid"]] if wide else []),
        ]
        for each in found
    )
    _print(found, form, columns, rows)
    for each in found:
        for rejection in each["status"]["rejections"]:
            errors().print(fact("rejected:", "bold red", rejection), soft_wrap=True)
    return int(not all(each["status"]["synced"] for each in found))


def memory(count: int | None) -> str:
    """``12.3 MiB``; "" where it is not known."""
    return "" if count is None else f"{count / 1024 / 1024:.1f} MiB"


def _row(process: Process, *, wide: bool) -> list[Any]:
    spec, status = process["spec"], process["status"]
    row = [
        full_name(process),
        spec.get("role", spec["type"]),
        status["state"],
        status["pid"],
        status["restarts"],
        memory(status["memoryBytes"]),
        _ports(status["ports"]),
    ]
    if wide:
        message = status.get("message") or "; ".join(status.get("rejections", ()))
        row += [" ".join(spec.get("lanes", ())), spec.get("of", ""), message]
    return row


def _ports(ports: Mapping[str, str]) -> str:
    """Where it listens and the port that was declared, as docker writes published ports."""
    placed = ((address.removeprefix("127.0.0.1:"), port) for port, address in ports.items())
    return ", ".join(f"{address}->{port}" for address, port in placed)


def _print(
    found: Sequence[Process], form: Format, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    if form in (Format.JSON, Format.YAML):
        print_documents(found, form, single=False)
    elif form is Format.NAME:
        print_names([full_name(each) for each in found])
    elif not found:
        errors().print("Nothing runs.")
    else:
        print_rows(columns, list(rows))
