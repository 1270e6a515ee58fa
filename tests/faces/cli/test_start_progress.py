"""While a mesh starts, the terminal says what is not ready yet."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from tests.compile.meshes import group, lane, mesh, service

from laneway.control import events
from laneway.faces.cli.reports import Reporter
from laneway.model.names import ObjectName


def test_proxies_and_workloads_are_waited_for_together() -> None:
    declared = mesh([group("a")], [lane("s1", "a")], [service("a")])
    screen = StringIO()
    reporter = Reporter(Console(file=screen, force_terminal=True, width=200), declared)
    whole = 2 * len(declared.workloads) + len(declared.gateways)
    last = (events.WorkloadInstance(ObjectName("default", "a-v1")), events.ProxyInstance("router"))
    for number in range(whole - len(last)):
        reporter(events.Ready(events.ProxyInstance(f"sidecar-{number}")))
    for subject in last:
        reporter(events.Started(subject, pid=1))
    assert str(reporter._status.status).endswith("not yet proxy router, workload default/a-v1")
