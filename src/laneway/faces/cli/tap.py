"""``laneway tap``: requests as they end, from the access logs of all proxies."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from laneway.apiserver.access_log_entries import Entry, Selection, status
from laneway.faces.cli.process_requests import log_lines
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import output
from laneway.model.names import ObjectName

#: Below this width of a terminal, times and callers are left out.
_WIDE = 100


def run(server: Server, selection: Selection, *, as_json: bool) -> int:
    """Until it is interrupted, or the laneway ends. Raises ``ServerError``."""
    console = output()
    lines = log_lines(server, (), access=True, follow=True, tailLines=0, **_options(selection))
    if not as_json:
        console.print(head(console), soft_wrap=True)
    for line in lines:
        found = json.loads(line)
        entry = json.loads(found["line"])
        if as_json:
            print(json.dumps({"proxy": found["name"], **entry}, ensure_ascii=False), flush=True)
        else:
            console.print(row(console, found["name"], entry), soft_wrap=True)
    return 0


def _options(selection: Selection) -> dict[str, Any]:
    return {
        "lane": selection.lane or None,
        "service": selection.service or None,
        "status": selection.statuses,
        "path": selection.path or None,
        "header": [f"{name}: {value}" if value else name for name, value in selection.headers],
    }


def head(console: Console) -> Text:
    wide = f"{'TIME':<13} {'FROM':<28} " if console.width >= _WIDE else ""
    columns = f"{'TO':<14} {'LANE':<8} {'SERVED':<8} {'CODE':>4} {'MS':>6}  REQUEST"
    return Text(wide + columns, "dim")


def row(console: Console, proxy: str, entry: Entry) -> Text:
    """A lane that did not serve is yellow, an error red. Nothing is cut."""
    lane, served = entry.get("lane") or "", entry.get("served") or ""
    code = status(entry)
    service = entry.get("service")
    to = ObjectName.of(service).short if service else "-"
    line = Text()
    if console.width >= _WIDE:
        line.append(f"{_time(entry):<13} ", "dim").append(f"{_caller(proxy):<28} ")
    line.append(f"{to:<14} {lane or '-':<8} ")
    line.append(f"{served or '-':<8} ", "yellow" if served != lane else "")
    line.append(f"{code:>4} ", "red" if code[0] in "05" else "")
    line.append(f"{_text(entry.get('duration_ms')):>6}  ")
    return line.append(f"{_text(entry.get('method'))} {_text(entry.get('path'))}")


def _time(entry: Entry) -> str:
    """``06:14:22.123`` of an instant in ISO 8601, in UTC."""
    return _text(entry.get("time")).partition("T")[2].removesuffix("Z")


def _caller(proxy: str) -> str:
    """``mocka-v1`` of ``sidecar~mocka-v1.default``."""
    name, _, namespace = proxy.partition("~")[2].rpartition(".")
    return ObjectName(namespace, name).short


def _text(value: object) -> str:
    """What clients send is not to steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str("-" if value is None else value))
