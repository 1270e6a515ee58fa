"""A model Envoy on a stream of the server's, stepped by hand."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.adapters.xds.envoy_models import EnvoyModel, request

from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.adapters.xds.protocol.streams import Stream
from laneway.adapters.xds.protocol.subscriptions import Push
from laneway.compile.resources import ENDPOINT, Resource, Snapshot

__all__ = ["ModelProxy", "request"]


@dataclass
class ModelProxy(EnvoyModel):
    """It checks that nothing is sent again that it refused."""

    response_bytes: int = 10_000
    refused_on_stream: set[tuple[str, str, str]] = field(default_factory=set)
    log: list[Push] = field(default_factory=list)
    stream: Stream = field(default_factory=lambda: Stream(SharedResults()))
    snapshot: Snapshot | None = None

    def connect(self, snapshot: Snapshot | None) -> None:
        self.stream = Stream(SharedResults(), self.response_bytes, self.stream.doubtful())
        self.stream.adopt(snapshot)
        self.snapshot = snapshot
        self.inbox: deque[Push] = deque()
        self.refused_on_stream.clear()
        self.begin_stream()

    def adopt(self, snapshot: Snapshot) -> None:
        """A version that was refused is tried again only when it was gone in between."""
        self.refused_on_stream = {
            key
            for key in self.refused_on_stream
            if (each := snapshot.resources(key[0]).get(key[1])) and each.version == key[2]
        }
        self.snapshot = snapshot
        self.stream.adopt(snapshot)

    def _wanted(self, each: Resource) -> bool:
        return (
            self.snapshot is not None
            and self.snapshot.resources(each.type_url).get(each.name) == each
        )

    def step_server(self) -> bool:
        """Hand over one request, or take one response."""
        if self.outbox:
            self.stream.receive(self.outbox.popleft())
            return True
        push = self.stream.next()
        if push:
            self.inbox.append(push)
            self.log.append(push)
        return push is not None

    def step_proxy(self) -> bool:
        if not self.inbox:
            return False
        push = self.inbox.popleft()
        for each in push.resources:
            key = (each.type_url, each.name, each.version)
            assert key not in self.refused_on_stream or each.type_url == ENDPOINT, "sent again"
        bad = self.apply(push)
        if self.names_each(push, bad) or len(push.resources) == 1:
            self.refused_on_stream.update(
                (each.type_url, each.name, each.version)
                for each in bad
                if not self.good(each) and self._wanted(each)
            )
        return True

    def run(self) -> None:
        """Until neither side has anything to say."""
        for _ in range(2000):
            server, proxy = self.step_server(), self.step_proxy()
            if not server and not proxy:
                return
        raise AssertionError(f"no end: {self.log[-6:]}")
