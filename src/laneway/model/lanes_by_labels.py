"""Which lanes select a workload, without comparing it with each of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence

from laneway.model.label_selectors import Admitted, admitted
from laneway.model.lanes import Lane


class LanesByLabels:
    """Lanes, indexed by one value that a label of their workloads has.

    So that a thousand lanes need not be compared with one another.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._order = {lane.name: index for index, lane in enumerate(lanes)}
        self._others: list[Lane] = []
        self._by_label: dict[tuple[str, str], list[Lane]] = {}
        self._keys: set[str] = set()
        for lane in lanes:
            asked = admitted(lane.selector, lane.match_expressions)
            finite = ((k, s.values) for k, s in asked.items() if not (s.others or s.absent))
            self._keys |= asked.keys()
            key, values = next(finite, ("", frozenset[str]()))
            if not key:
                self._others.append(lane)
            for value in values:
                self._by_label.setdefault((key, value), []).append(lane)

    def place(self, lane: Lane) -> int:
        return self._order[lane.name]

    def selecting(self, labels: Mapping[str, str]) -> Sequence[Lane]:
        """The lanes that a workload with these labels belongs to, in order."""
        some = (lane for label in labels.items() for lane in self._by_label.get(label, ()))
        return sorted(
            (each for each in (*some, *self._others) if each.selects(labels)), key=self.place
        )

    def asked_of(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """Those of the labels that the lanes ask for: ``selecting`` depends on no others."""
        return {key: value for key, value in labels.items() if key in self._keys}

    def candidates(self, asked: Admitted) -> Iterator[Lane]:
        """The lanes that may select everything that is selected by ``asked``, in order."""
        found = [self._others]
        for key, states in asked.items():
            if not (states.others or states.absent):
                found.append(self._by_label.get((key, min(states.values)), []))
        return heapq.merge(*found, key=self.place)
