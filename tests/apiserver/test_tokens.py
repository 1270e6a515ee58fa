"""Tokens: what is kept of them, whose they are, and what they allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import served
from laneway.apiserver.tokens import DEFAULT_LIFE, Identity, identified, minted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RANDOM = bytes(range(37))
RESOURCES = {resource.kind.name: resource for resource in served()}


def test_a_token_says_whose_it_is() -> None:
    token, text = minted("ci", ["edit:shop"], RANDOM, NOW, DEFAULT_LIFE)
    assert text.startswith(f"lw_{token.id}_")
    assert identified(text, {token.id: token}, NOW) == Identity(
        "ci", frozenset({"edit:shop"}), token.id
    )


def test_the_secret_is_not_kept() -> None:
    token, text = minted("ci", ["view"], RANDOM, NOW, DEFAULT_LIFE)
    assert text.rpartition("_")[2] not in repr(token)
    assert len(text.split("_", 2)[2]) == 43


@pytest.mark.parametrize("change", ["", "lw_", "x" * 5000, "é", "lw_aaaaaaaa_" + "A" * 43])
def test_what_is_no_token_is_nobodys(change: str) -> None:
    token, _ = minted("ci", ["view"], RANDOM, NOW, DEFAULT_LIFE)
    assert identified(change, {token.id: token}, NOW) is None


def test_another_secret_is_nobodys() -> None:
    token, text = minted("ci", ["view"], RANDOM, NOW, DEFAULT_LIFE)
    assert identified(text[:-1] + "x", {token.id: token}, NOW) is None
    assert identified(text, {}, NOW) is None


def test_a_token_expires() -> None:
    token, text = minted("ci", ["view"], RANDOM, NOW, timedelta(days=1))
    assert identified(text, {token.id: token}, NOW + timedelta(hours=23))
    assert identified(text, {token.id: token}, NOW + timedelta(days=1)) is None


@pytest.mark.parametrize("scopes", [[], ["edit"], ["edit:"], ["edit:A b"], ["root"]])
def test_what_is_no_scope_is_refused(scopes: list[str]) -> None:
    with pytest.raises(Failure, match=r"edit:GROUP"):
        minted("ci", scopes, RANDOM, NOW, DEFAULT_LIFE)


def manifest(kind: str, group: str = "shop") -> dict[str, Any]:
    if kind == "LaneGroup":
        return {"metadata": {"name": group}, "spec": {}}
    return {"metadata": {"name": "x"}, "spec": {"group": group}}


@pytest.mark.parametrize(
    ("scopes", "kind", "groups", "allowed"),
    [
        ({"admin"}, "Workload", ["shop"], True),
        ({"view"}, "Lane", ["shop"], False),
        ({"edit:shop"}, "Lane", ["shop"], True),
        ({"edit:shop"}, "LaneGroup", ["shop"], True),
        ({"edit:shop"}, "Lane", ["bank"], False),
        ({"edit:shop"}, "LaneGroup", ["bank"], False),
        ({"edit:shop"}, "Lane", ["bank", "shop"], False),  # a lane that is to move
        ({"edit:shop", "edit:bank"}, "Lane", ["bank", "shop"], True),
        ({"edit:shop"}, "Workload", ["shop"], False),
        ({"edit:shop"}, "Service", ["shop"], False),
        ({"edit:shop"}, "ASMSwimLane", ["shop"], False),
        ({"edit:shop"}, "Lane", [], False),
    ],
)
def test_what_scopes_allow(scopes: set[str], kind: str, groups: list[str], allowed: bool) -> None:
    manifests = [manifest(kind, group) for group in groups]
    identity = Identity("ci", frozenset(scopes))
    assert identity.may_change(RESOURCES[kind], manifests) is allowed
