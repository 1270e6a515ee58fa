"""Totals of what proxies have counted by lane, which go on when a proxy begins again at zero.

A sum over proxies would fall when one of them restarts, and Prometheus would take what is left of
it for new requests. So what each proxy counted since its last reading is added up here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from laneway.model.lane_figures import LaneFigures, LanePair

Figures = Mapping[LanePair, LaneFigures]


class LaneTotals:
    def __init__(self) -> None:
        self._totals: dict[LanePair, LaneFigures] = {}
        #: By node, the process and what it had counted when it was read last.
        self._last: dict[str, tuple[int, Figures]] = {}

    @property
    def figures(self) -> Figures:
        return self._totals

    def add(self, node: str, process: int, read: Figures) -> None:
        """``read`` is all that this process of the proxy has counted since it began."""
        last, before = self._last.get(node, (process, {}))
        if last != process:
            before = {}
        for pair, figures in read.items():
            since = figures.since(before[pair]) if pair in before else figures
            self._totals[pair] = self._totals[pair] + since if pair in self._totals else since
        self._last[node] = process, read

    def keep(self, nodes: Collection[str], known: Callable[[LanePair], bool]) -> None:
        """Forget all other proxies, and the lanes that are not known."""
        self._last = {node: last for node, last in self._last.items() if node in nodes}
        self._totals = {pair: total for pair, total in self._totals.items() if known(pair)}
