"""What proxies counted, compared with what the simulator predicts. Pure.

Proxies count requests by the lane that was meant and the lane that served, whatever applications
pass on and answer. So services need not be mocks, and their answers need not be understood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from laneway.model.names import ObjectName

#: Requests by (service, lane, served lane), as proxies count them. Lane "?" is one that the service
#: has no version of.
Counts = Mapping[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True)
class PredictedHop:
    """``caller`` "" is the gateway; ``intended`` and ``served`` "" are no lane."""

    caller: str
    service: str
    intended: str
    served: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The path of one request. ``status`` is the proxy's answer where it fails early.

    ``weighted``: a weight chooses the lane, so that other requests go elsewhere. The calls of
    ``unknown`` services are not declared.
    """

    hops: tuple[PredictedHop, ...]
    status: int | None = None
    failure: str = ""
    weighted: bool = False
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, status: Mapping[str, Any], counted: Iterable[str]) -> Prediction:
        """From the status of an Explanation, without the hops that no proxy counts: those to
        services that are not ``counted``, and calls past the sidecar."""
        known = frozenset(counted)
        hops = tuple(
            PredictedHop(
                hop["caller"] or "",
                hop["service"],
                hop["intendedLane"] or "",
                hop["servedLane"] or "",
            )
            for hop in status["hops"]
            if hop["service"] in known and "call past the sidecar" not in _reasons(hop)
        )
        failure = status["failure"] or {}
        return cls(
            hops,
            failure.get("status"),
            failure.get("message", ""),
            any("weight" in _reasons(hop) for hop in status["hops"]),
            frozenset(status["unknownCalls"]),
        )

    def counts(self, requests: int) -> dict[str, Counter[str]]:
        """What so many requests lead to: service -> served lane -> number."""
        wanted: dict[str, Counter[str]] = {}
        for hop in self.hops:
            wanted.setdefault(hop.service, Counter())[hop.served] += requests
        return wanted


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one lane's requests: how many had each status (0: none came), and a text of each."""

    statuses: Counter[int] = field(default_factory=Counter)
    texts: dict[int, str] = field(default_factory=dict)

    def add(self, status: int, text: str) -> None:
        self.statuses[status] += 1
        self.texts.setdefault(status, text.strip().partition("\n")[0][:200])


@dataclass(frozen=True, slots=True)
class Difference:
    """``service`` "" is for the answers at the gateway. ``surplus``: only more requests than
    predicted, which somebody else may have sent."""

    service: str
    text: str
    surplus: bool = False


def counted_between(before: Counts, after: Counts) -> dict[tuple[str, str, str], int]:
    """What was added; a proxy that was restarted meanwhile counts from zero again."""
    added = ((key, number - before.get(key, 0)) for key, number in after.items())
    return {key: number for key, number in added if number > 0}


def by_service(counts: Counts) -> dict[str, Counter[str]]:
    """Service -> served lane -> number."""
    found: dict[str, Counter[str]] = {}
    for (service, _, served), number in counts.items():
        found.setdefault(service, Counter())[_lane(served)] += number
    return found


def covers(counts: Counts, prediction: Prediction, requests: int) -> bool:
    """Whether all that is predicted was counted by now."""
    seen, wanted = by_service(counts), prediction.counts(requests)
    return all(not _missing(wanted[name], seen.get(name, Counter()), prediction) for name in wanted)


def differences(
    prediction: Prediction, counts: Counts, answers: Answers, propagated: str
) -> Iterator[Difference]:
    """``propagated`` is the header that applications are to pass on."""
    requests = answers.statuses.total()
    yield from _of_answers(prediction, answers)
    seen, wanted = by_service(counts), prediction.counts(requests)
    for service in dict.fromkeys([*wanted, *seen]):
        is_, should_be = seen.get(service, Counter()), wanted.get(service, Counter())
        if not should_be and prediction.unknown:
            continue  # the path goes on where it cannot be predicted
        missing = _missing(should_be, is_, prediction)
        surplus = _missing(is_, should_be, prediction)
        if missing or surplus:
            text = _told(prediction, service, should_be, missing, surplus, counts, propagated)
            yield Difference(service, text, surplus=not missing)


def _missing(wanted: Counter[str], seen: Counter[str], prediction: Prediction) -> Counter[str]:
    if prediction.weighted:
        return Counter({"": max(0, wanted.total() - seen.total())}) + Counter()
    return wanted - seen


def _of_answers(prediction: Prediction, answers: Answers) -> Iterator[Difference]:
    for status, number in sorted(answers.statuses.items()):
        told = f"{number} of {answers.statuses.total()} requests"
        text = f": {answers.texts[status]}" if answers.texts.get(status) else ""
        if status == 0:
            yield Difference("", f"{told} had no answer{text}")
        elif prediction.status is not None and status != prediction.status:
            expected = f"{prediction.status} is predicted ({prediction.failure})"
            yield Difference("", f"{told} were answered {status}; {expected}")
        elif prediction.status is None and not prediction.failure and status >= 500:
            yield Difference("", f"{told} were answered {status}{text}")


def _told(
    prediction: Prediction,
    service: str,
    wanted: Counter[str],
    missing: Counter[str],
    surplus: Counter[str],
    counts: Counts,
    propagated: str,
) -> str:
    hops = [hop for hop in prediction.hops if hop.service == service]
    caller = hops[0].caller if hops else ""
    who = _short(caller) if caller else "the gateway"
    if not wanted:
        return f"was called {surplus.total()} times, which is not predicted"
    if prediction.weighted or not (missing and surplus):
        number = f"{wanted.total()} calls are predicted"
        if missing.total() == wanted.total():
            return f"was not called; {number}, by {who}"
        if missing:
            return f"was called {missing.total()} times less than predicted; {number}, by {who}"
        return f"was called {surplus.total()} times more than predicted; {number}, by {who}"
    lanes = " and ".join(f"{_shown(lane)} ({number})" for lane, number in surplus.items())
    told = f"{lanes} answered instead of {' and '.join(map(_shown, missing))}"
    lost = [hop for hop in hops if hop.intended and not _named(hop, counts)]
    if not lost:
        return f"{told}: that lane had no healthy instance when it was called"
    loser = _loser(prediction, lost[0], counts)
    lane = _shown(lost[0].intended)
    if loser:
        return f"{told}: the calls did not name {lane}; does {_short(loser)} pass on {propagated}?"
    return f"{told}: the requests did not name {lane}"


def _loser(prediction: Prediction, hop: PredictedHop, counts: Counts) -> str:
    """The service that was called with the lane and calls on without it; "" is the gateway."""
    seen = {hop.service}
    while True:
        before = (h for h in prediction.hops if h.service == hop.caller)
        caller = next(before, None)
        if caller is None or caller.service in seen or _named(caller, counts):
            return hop.caller
        seen.add(caller.service)
        hop = caller


def _named(hop: PredictedHop, counts: Counts) -> bool:
    """Whether requests to its service named the lane, as some one that the service has or lacks."""
    return any(
        service == hop.service and lane in (hop.intended, "?") for service, lane, _ in counts
    )


def _reasons(hop: Mapping[str, Any]) -> set[str]:
    return {reason["why"] for reason in hop["reasons"]}


def _lane(text: str) -> str:
    """Envoy prints - where there is nothing."""
    return "" if text == "-" else text


def _shown(lane: str) -> str:
    return f"lane {lane}" if lane else "no lane"


def _short(name: str) -> str:
    return ObjectName.of(name).short
