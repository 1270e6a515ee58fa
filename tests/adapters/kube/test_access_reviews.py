"""Whether a user may do something is asked of the API server, and not too often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import kmock
import pytest
from tests.adapters.kube.api_servers import ApiServer, client_of, serving

from laneway.adapters.kube import access_reviews
from laneway.adapters.kube.access_reviews import LIFE, Access, AccessReviews, Decision
from laneway.apiserver.front_proxy import ClusterUser
from laneway.operator.cluster_port import ClusterError

JANE = ClusterUser("jane", frozenset(), groups=("dev",), extra=(("scopes", ("a", "b")),))
EXPLAIN = Access("create", "api.laneway.dev", "explanations")
PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Asked:
    """``status`` is the answer to each review; ``specs`` are those that were asked."""

    def __init__(self, api: ApiServer) -> None:
        self.status: dict[str, Any] = {"allowed": True}
        self.specs: list[Any] = []
        self.seconds = 0.0
        api["post", PATH] << self._answer

    async def _answer(self, request: kmock.Request) -> Any:
        self.specs.append(request.data["spec"])
        return {**request.data, "status": self.status}


@pytest.fixture
async def reviews() -> AsyncIterator[tuple[AccessReviews, Asked]]:
    async with serving() as api, client_of(api) as client:
        asked = Asked(api)
        yield AccessReviews(client, lambda: asked.seconds), asked


async def test_the_review_names_the_user_and_the_request(
    reviews: tuple[AccessReviews, Asked],
) -> None:
    deciding, asked = reviews
    assert await deciding.decide(JANE, EXPLAIN) == Decision(True)
    assert asked.specs == [
        {
            "user": "jane",
            "groups": ["dev"],
            "extra": {"scopes": ["a", "b"]},
            "resourceAttributes": {
                "verb": "create",
                "group": "api.laneway.dev",
                "version": "v1alpha1",
                "resource": "explanations",
            },
        }
    ]


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ({"allowed": True}, Decision(True)),
        ({"allowed": False, "reason": "no RBAC rule"}, Decision(False, "no RBAC rule")),
        ({"allowed": True, "denied": True}, Decision(False)),
        ({"allowed": "true"}, Decision(False)),
        ({"allowed": False, "evaluationError": "webhook down"}, Decision(False, "webhook down")),
        ({}, Decision(False)),
    ],
)
async def test_only_a_plain_yes_is_a_yes(
    reviews: tuple[AccessReviews, Asked], status: dict[str, Any], decision: Decision
) -> None:
    deciding, asked = reviews
    asked.status = status
    assert await deciding.decide(JANE, EXPLAIN) == decision


async def test_an_answer_counts_for_some_seconds_and_for_that_question_only(
    reviews: tuple[AccessReviews, Asked],
) -> None:
    deciding, asked = reviews
    await deciding.decide(JANE, EXPLAIN)
    asked.status = {"allowed": False}
    asked.seconds = LIFE - 1
    assert (await deciding.decide(JANE, EXPLAIN)).allowed
    others = [
        ClusterUser("joe", frozenset(), groups=JANE.groups, extra=JANE.extra),
        ClusterUser("jane", frozenset(), groups=("dev", "ops"), extra=JANE.extra),
        ClusterUser("jane", frozenset(), groups=JANE.groups),
        ClusterUser("jane", frozenset(), uid="7", groups=JANE.groups, extra=JANE.extra),
    ]
    for user in others:
        assert not (await deciding.decide(user, EXPLAIN)).allowed
    assert not (await deciding.decide(JANE, Access("create", "laneway.dev", "lanes", "x"))).allowed
    asked.seconds = LIFE
    assert not (await deciding.decide(JANE, EXPLAIN)).allowed


async def test_what_is_kept_is_bounded(
    reviews: tuple[AccessReviews, Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_reviews, "MOST", 2)
    deciding, asked = reviews
    for name in ("a", "b", "c", "a", "c"):
        await deciding.decide(ClusterUser(name, frozenset()), EXPLAIN)
    assert [spec["user"] for spec in asked.specs] == ["a", "b", "c", "a"]


async def test_without_an_answer_there_is_no_decision() -> None:
    async with serving() as api, client_of(api) as client:
        api.fail("post", "subjectaccessreviews", 403, "you may not")
        with pytest.raises(ClusterError):
            await AccessReviews(client, lambda: 0.0).decide(JANE, EXPLAIN)
