"""Events are counted, in order, few and short-lived; what is told of processes is about objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from laneway.apiserver.event_log import LIFE, MOST, EventLog, Occurrence, Regarding
from laneway.apiserver.process_events import occurrence, workload_regarding
from laneway.control import events
from laneway.model.names import ObjectName

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
LANE = Regarding("laneway.dev/v1alpha1", "Lane", "", "s1", "uid-1")
WEB = workload_regarding(ObjectName("shop", "web"))
INSTANCE = events.WorkloadInstance(ObjectName("shop", "web"))

FAILED = events.ExitStatus(1)


def core(log: EventLog, at: datetime) -> list[dict[str, Any]]:
    return [dict(each) for key, each in sorted(log.at(at).items()) if key.resource == "events"]


def newer(log: EventLog, at: datetime) -> list[dict[str, Any]]:
    return [dict(each) for key, each in log.at(at).items() if key.resource != "events"]


def test_what_happens_again_is_counted() -> None:
    log = EventLog()
    for minutes in range(3):
        log.add(Occurrence(LANE, "Exited", "exited with 1", True), AT + timedelta(minutes=minutes))
    (one,) = core(log, AT)
    assert (one["count"], one["type"]) == (3, "Warning")
    assert one["firstTimestamp"] == one["metadata"]["creationTimestamp"] == "2026-01-01T12:00:00Z"
    assert one["lastTimestamp"] == "2026-01-01T12:02:00Z"
    assert one["involvedObject"] == {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "name": "s1",
        "uid": "uid-1",
    }
    (other,) = newer(log, AT)
    assert other["metadata"] == one["metadata"]
    assert (other["note"], other["deprecatedCount"]) == ("exited with 1", 3)


def test_events_of_an_object_are_listed_in_the_order_in_which_they_began() -> None:
    log = EventLog()
    for reason in ("Started", "Exited", "BackOff", "Started"):
        log.add(Occurrence(WEB, reason, ""), AT)
    assert [each["reason"] for each in core(log, AT)] == ["Started", "Exited", "BackOff"]
    assert {each["metadata"]["namespace"] for each in core(log, AT)} == {"shop"}


def test_an_object_that_is_declared_later_is_identified_then() -> None:
    log = EventLog()
    log.add(Occurrence(WEB, "Started", ""), AT)
    log.add(Occurrence(LANE, "Programmed", ""), AT)
    log.identify(lambda about: "")
    assert "uid" not in core(log, AT)[1]["involvedObject"]
    log.identify(lambda about: "uid-2" if about == WEB else "")
    log.add(Occurrence(replace(WEB, uid="uid-2"), "Started", ""), AT)
    lane, web = core(log, AT)
    assert (web["involvedObject"]["uid"], web["count"]) == ("uid-2", 2)
    assert lane["involvedObject"]["uid"] == "uid-1"


def test_the_oldest_make_room_and_all_end_after_an_hour() -> None:
    log = EventLog()
    for number in range(MOST + 10):
        log.add(Occurrence(LANE, "Programmed", str(number)), AT + timedelta(seconds=number))
        log.add(Occurrence(LANE, "Programmed", "again"), AT + timedelta(seconds=number))
    at = AT + timedelta(seconds=MOST + 10)
    messages = {each["message"] for each in core(log, at)}
    assert len(messages) == MOST
    assert "again" in messages
    assert "5" not in messages
    assert {each["message"] for each in core(log, AT + timedelta(seconds=MOST + 9) + LIFE)} == set()


def test_a_note_is_no_longer_than_kubernetes_allows() -> None:
    log = EventLog()
    log.add(Occurrence(LANE, "Rejected", "x" * 5000), AT)
    assert len(core(log, AT)[0]["message"]) == 1024


@pytest.mark.parametrize(
    ("event", "reason", "warning", "note"),
    [
        (events.Started(INSTANCE, 77), "Started", False, "started"),
        (events.Ready(INSTANCE), "Ready", False, "is ready"),
        (
            events.Exited(INSTANCE, events.ExitStatus(1), ("trace",)),
            "Exited",
            True,
            "exited with 1",
        ),
        (
            events.CrashLooping(INSTANCE, 5, FAILED, ("a", "b")),
            "BackOff",
            True,
            "ended 5 times in a row, last: exited with 1\nlast output:\na\nb",
        ),
        (
            events.Unready(INSTANCE, "no answer"),
            "Unhealthy",
            True,
            "is not ready any more: no answer",
        ),
        (events.Stopped(INSTANCE, None), "Stopped", False, "stopped"),
    ],
)
def test_what_happens_to_a_workloads_process_is_about_the_workload(
    event: events.Event, reason: str, warning: bool, note: str
) -> None:
    assert occurrence(event, WEB) == Occurrence(WEB, reason, note, warning)


def test_a_stop_that_was_asked_for_makes_nothing_unhealthy() -> None:
    assert occurrence(events.Unready(INSTANCE, "stopping", asked=True), WEB) is None


def test_a_rejection_is_about_the_proxy_in_envoys_words() -> None:
    proxy = events.ProxyInstance("sidecar~web.shop")
    found = occurrence(events.Rejected(proxy, "a.b.Listener", "inbound|80", "bad regex"))
    assert found is not None
    assert (found.regarding.kind, found.regarding.name) == ("Proxy", "sidecar.web.shop")
    assert (found.reason, found.warning) == ("Rejected", True)
    assert "inbound|80: bad regex" in found.note
