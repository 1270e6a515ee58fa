"""The dashboard asks for metrics and labels that ``/metrics`` has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.model.test_lane_figures import took
from tests.wiring.test_lane_traffic import S1, WEB, mesh

from laneway.model.propagated_calls import PropagatedCalls
from laneway.wiring.serving_metrics import call_family, lane_families, proxy_family

DASHBOARD = Path(__file__).parents[2] / "deploy/grafana/lanes.json"


def test_the_dashboard_asks_for_what_there_is() -> None:
    calls = {(WEB, "shop"): PropagatedCalls(1)}
    families = [*lane_families(mesh("s1"), {S1: took(1)}), call_family(calls), proxy_family(())]
    labels: dict[str, set[str]] = {}
    for family in families:
        suffix = "_bucket" if family.type == "histogram" else ""
        (first, *_) = family.samples
        labels[family.name + suffix] = {*first[0], *({"le"} if suffix else ())}
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    asked = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    for each in asked:
        named = set(re.findall(r"\blaneway_\w+", each))
        assert named <= set(labels), each
        used = {
            label for names in re.findall(r"by \(([^)]*)\)", each) for label in names.split(", ")
        }
        used |= set(re.findall(r'(\w+)(?==~|!=|=")', each))
        assert used <= set.union(*(labels[name] for name in named)), each
    variables = [each["query"] for each in dashboard["templating"]["list"][1:]]
    for each in variables:
        metric, label = re.fullmatch(r"label_values\((\w+).*, (\w+)\)", each).groups()  # type: ignore[union-attr]
        assert label in labels[metric]
