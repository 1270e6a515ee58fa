"""``laneway-mock``: the article's mock application, a small HTTP/1.1 service.

It answers any path with its own name and version, followed by what its upstream answers, and passes
one request header on. Lanes are shown, and tested, by which versions stand in the answer.

A demo starts nine of these at once on a small machine, so it imports little, and each connection
has one thread and, when it needs one, one connection of its own to the upstream: a request costs a
few system calls.
"""

from __future__ import annotations

import os
import signal
import sys

from laneway.faces.mock.server import Server
from laneway.faces.mock.settings import Settings


def main() -> None:
    try:
        settings = Settings.of(os.environ)
        server = Server(settings)
    except (OSError, ValueError) as error:
        sys.exit(f"laneway-mock: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    where = f"{settings.bind[0]}:{server.port}"
    print(f"{settings.app} {settings.version} listens on {where}", file=sys.stderr, flush=True)
    server.run()
