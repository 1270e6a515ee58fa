"""``laneway tap``: requests as they end, from the access logs of all proxies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from laneway.faces.cli.process_requests import log_lines
from laneway.faces.cli.server_requests import Server
from laneway.faces.cli.terminals import output
from laneway.model.names import ObjectName

STATUS = re.compile(r"[1-5](xx|\d\d)|0")
#: Below this width of a terminal, times and callers are left out.
_WIDE = 100

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Of each, empty takes all. ``statuses`` are as ``404`` or ``5xx``, ``path`` is a prefix."""

    lane: str = ""
    service: str = ""
    statuses: Sequence[str] = ()
    path: str = ""

    def takes(self, entry: Entry) -> bool:
        service = entry.get("service") or ""
        if self.service and self.service not in (service, service.rpartition("/")[2]):
            return False
        if self.statuses and not any(map(_status(entry).startswith, self._prefixes())):
            return False
        return str(entry.get("path") or "").startswith(self.path)

    def _prefixes(self) -> Iterator[str]:
        return (status.removesuffix("xx") for status in self.statuses)


def run(server: Server, selection: Selection, *, as_json: bool) -> int:
    """Until it is interrupted, or the laneway ends. Raises ``ServerError``."""
    console = output()
    lines = log_lines(
        server, (), lane=selection.lane or None, access=True, follow=True, tailLines=0
    )
    if not as_json:
        console.print(head(console), soft_wrap=True)
    for line in lines:
        found = json.loads(line)
        entry = json.loads(found["line"])
        if not selection.takes(entry):
            continue
        if as_json:
            print(json.dumps({"proxy": found["name"], **entry}, ensure_ascii=False), flush=True)
        else:
            console.print(row(console, found["name"], entry), soft_wrap=True)
    return 0


def head(console: Console) -> Text:
    wide = f"{'TIME':<13} {'FROM':<28} " if console.width >= _WIDE else ""
    columns = f"{'TO':<14} {'LANE':<8} {'SERVED':<8} {'CODE':>4} {'MS':>6}  REQUEST"
    return Text(wide + columns, "dim")


def row(console: Console, proxy: str, entry: Entry) -> Text:
    """A lane that did not serve is yellow, an error red. Nothing is cut."""
    lane, served = entry.get("lane") or "", entry.get("served") or ""
    status = _status(entry)
    service = entry.get("service")
    to = ObjectName.of(service).short if service else "-"
    line = Text()
    if console.width >= _WIDE:
        line.append(f"{_time(entry):<13} ", "dim").append(f"{_caller(proxy):<28} ")
    line.append(f"{to:<14} {lane or '-':<8} ")
    line.append(f"{served or '-':<8} ", "yellow" if served != lane else "")
    line.append(f"{status:>4} ", "red" if status[0] in "05" else "")
    line.append(f"{_text(entry.get('duration_ms')):>6}  ")
    return line.append(f"{_text(entry.get('method'))} {_text(entry.get('path'))}")


def _status(entry: Entry) -> str:
    """0 where the client had no answer."""
    return str(entry.get("status") or 0)


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
