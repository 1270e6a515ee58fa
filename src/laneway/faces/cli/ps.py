"""``laneway ps``, ``proxy-status``, ``top``: what runs, and how it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from laneway.faces.cli import watched_lists
from laneway.faces.cli.list_formats import Format
from laneway.faces.cli.output_formats import print_documents, print_names, print_rows
from laneway.faces.cli.process_requests import Process, full_name, processes
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import errors, fact

_DISCOVERY = ("CDS", "LDS", "EDS", "RDS", "SRDS")


def run(
    server: Server,
    form: Format,
    *,
    workloads: bool = False,
    proxies: bool = False,
    watch: bool = False,
) -> int:
    """Watched, a row is printed again when its state, process or restarts change."""
    wanted = {"Workload"} if workloads and not proxies else {"Proxy"} if proxies else None
    if workloads and proxies:
        wanted = None

    def look() -> list[Process]:
        return [each for each in processes(server) if wanted is None or _type(each) in wanted]

    def show(found: Sequence[Process]) -> None:
        wide = form is Format.WIDE
        columns = ["Name", "Type", "State", "PID", "Restarts", "Memory", "Ports"]
        columns += ["Lanes", "Of", "Message"] if wide else []
        _print(found, form, columns, (_row(each, wide=wide) for each in found))

    show(found := look())
    if watch:
        watched_lists.watch(look, found, full_name, _state, show)
    return 0


def proxy_status(server: Server, form: Format, *, watch: bool = False) -> int:
    """1 unless every proxy is connected and has acknowledged all that it should have."""

    def look() -> list[Process]:
        return [each for each in processes(server) if _type(each) == "Proxy"]

    show = partial(_print_proxies, form=form)
    show(found := look())
    if watch:
        watched_lists.watch(look, found, full_name, _state, show)
    return int(not all(each["status"]["synced"] for each in found))


def _print_proxies(found: Sequence[Process], form: Format) -> None:
    wide = form is Format.WIDE
    columns = ["Name", "Role", *_DISCOVERY, *(["Of", "PID"] if wide else [])]
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


def _type(process: Process) -> str:
    return str(process["spec"]["type"])


def _state(process: Process) -> Mapping[str, Any]:
    """All but the memory, which is another at each look."""
    return {key: value for key, value in process["status"].items() if key != "memoryBytes"}


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
