"""Examples: requests that prove findings.

They can be printed, simulated, or sent.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class Example:
    """A request to a port of a gateway, and its outcome in words.

    ``down`` are workloads that are assumed not to be ready.
    """

    gateway: ObjectName
    port: int
    host: str
    path: str
    outcome: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    down: tuple[ObjectName, ...] = ()

    def curl(self) -> str:
        """The request as curl sends it, to a gateway with the name ``host``."""
        words = ["curl"]
        if self.method != "GET":
            words += ["-X", self.method]
        if "/." in self.path:
            words.append("--path-as-is")
        for name, value in self.headers:
            words += ["-H", f"{name}: {value}"]
        port = "" if self.port == 80 else f":{self.port}"
        return shlex.join([*words, f"http://{self.host}{port}{self.path}"])

    def __str__(self) -> str:
        down = f" (with {', '.join(map(str, self.down))} down)" if self.down else ""
        return f"{self.curl()}{down} -> {self.outcome}"
