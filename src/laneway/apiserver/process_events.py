"""Kubernetes events for the processes of workloads and proxies. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.apiserver.event_log import Occurrence, Regarding
from laneway.apiserver.proxy_lists import object_name
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.schema.api_requests import API_VERSION

#: The reason of each reported event, and whether it is a warning. These are Kubernetes' words for
#: pods where it has them.
_REASONS: Mapping[type[events.Event], tuple[str, bool]] = {
    events.Started: ("Started", False),
    events.Ready: ("Ready", False),
    events.Late: ("Unhealthy", True),
    events.Exited: ("Exited", True),
    events.CrashLooping: ("BackOff", True),
    events.RestartFailed: ("FailedToStart", True),
    events.GaveUp: ("Failed", True),
    events.Stopped: ("Stopped", False),
    events.Rejected: ("Rejected", True),
    events.LogLost: ("LogLost", True),
}


def occurrence(event: events.Event, workload: Regarding | None = None) -> Occurrence | None:
    """``workload`` is the owner of the process if the event is about a workload. Returns None for
    events that are not reported."""
    if isinstance(event, events.Unready) and not event.asked:
        reason, warning = "Unhealthy", True
    elif (found := _REASONS.get(type(event))) is not None:
        reason, warning = found
    else:
        return None
    about = workload
    if isinstance(event.subject, events.ProxyInstance):
        about = Regarding(API_VERSION, "Proxy", "", object_name(event.subject.node))
    if about is None:
        return None
    # Without the process number, repeated starts count as one event.
    note = "started" if isinstance(event, events.Started) else str(event)
    if output := getattr(event, "output", ()) if not isinstance(event, events.Exited) else ():
        note = "\n".join([note, "last output:", *output])
    return Occurrence(about, reason, note, warning)


def workload_regarding(name: ObjectName) -> Regarding:
    return Regarding("laneway.dev/v1alpha1", "Workload", name.namespace, name.name)
