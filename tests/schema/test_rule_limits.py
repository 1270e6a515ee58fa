"""Limits of what a rule holds, beyond which proxies refuse it with all other rules."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from laneway.schema.ingress_rules import IngressRuleSpec

RULE: dict[str, Any] = {"name": "r", "destination": "a"}


def changing(**changes: Any) -> dict[str, Any]:
    return {**RULE, "actions": {"headers": {"request": changes}}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**RULE, "headers": {"x" * 257: {"exact": "a"}}}, "has 257 characters"),
        ({**RULE, "sticky": {"header": "x" * 20_000}, "enter": True}, "has 20,000 characters"),
        (changing(set={"x" * 257: "a"}), "no header that a rule can change"),
        (changing(remove=["x" * 257]), "no header that a rule can change"),
        (changing(add={"x-a": "a" * 8193}), "has 8,193 characters"),
        (changing(set={f"x-{n}": "a" for n in range(501)}), "changes 501 headers"),
    ],
)
def test_what_proxies_would_refuse_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        IngressRuleSpec.model_validate(document)
