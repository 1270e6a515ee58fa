"""Which lanes select a workload, without comparing it with each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        for lane in lanes:
            asked = admitted(lane.selector, lane.match_expressions)
            finite = ((k, s.values) for k, s in asked.items() if not (s.others or s.absent))
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

    def candidates(self, asked: Admitted) -> Sequence[Lane]:
        """The lanes that may select everything that is selected by ``asked``, in order."""
        found = list(self._others)
        for key, states in asked.items():
            if not (states.others or states.absent):
                found += self._by_label.get((key, min(states.values)), ())
        return sorted(found, key=self.place)
