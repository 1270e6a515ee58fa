"""Examples: a request that shows a finding, so that nobody has to believe it.

Plain enough to be printed, and whole enough to be put to the simulator or sent.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class Example:
    """One request at a port of a gateway, and in words what comes of it.

    ``down`` are workloads that are supposed not to be ready.
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
        """As one would send it, were ``host`` the gateway's name."""
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
