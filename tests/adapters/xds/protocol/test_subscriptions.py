from __future__ import annotations

import pytest
from tests.adapters.xds.resources import cluster, endpoints

from laneway.adapters.xds.protocol.rejections import Rejection
from laneway.adapters.xds.protocol.subscriptions import Push, Subscription
from laneway.compile.resources import CLUSTER, ENDPOINT, Resource
from laneway.control.proxies import Verdict

A, A2, B = cluster("a", 1), cluster("a", 2), cluster("b", 1)
EA, EB = endpoints("a", 1), endpoints("b", 1)
BIG = 10**9


def resources(*each: Resource) -> dict[str, Resource]:
    return {resource.name: resource for resource in each}


def clusters(*each: Resource) -> Subscription:
    return Subscription(CLUSTER, resources(*each))


def replace(subscription: Subscription, *each: Resource) -> None:
    new = resources(*each)
    subscription.adopt(new, [*new, *(name for name in subscription.desired if name not in new)])


def offer(
    subscription: Subscription,
    *,
    limit: int = BIG,
    answers_only: bool = False,
    removals: bool = True,
) -> Push:
    push = subscription.offer("n", limit=limit, answers_only=answers_only, removals=removals)
    assert push is not None
    return push


def nothing(subscription: Subscription) -> bool:
    return subscription.offer("n", limit=BIG, removals=True) is None


def names(push: Push) -> list[str]:
    return [resource.name for resource in push.resources]


def synced(subscription: Subscription) -> Subscription:
    subscription.subscribe([], [], {})
    offer(subscription)
    subscription.acknowledge("n")
    return subscription


def test_a_first_request_without_names_asks_for_every_cluster() -> None:
    subscription = clusters(A, B)
    subscription.subscribe([], [], {})
    assert names(offer(subscription)) == ["a", "b"]


def test_so_does_an_explicit_wildcard() -> None:
    subscription = clusters(A, B)
    subscription.subscribe(["*"], [], {})
    assert names(offer(subscription)) == ["a", "b"]


def test_a_first_request_without_names_asks_for_no_endpoints() -> None:
    subscription = Subscription(ENDPOINT, resources(EA))
    subscription.subscribe([], [], {})
    assert nothing(subscription)


def test_a_later_request_without_names_asks_for_nothing_more() -> None:
    subscription = clusters(A)
    subscription.subscribe(["b"], [], {})
    offer(subscription)
    subscription.subscribe([], [], {})
    subscription.acknowledge("n")
    assert nothing(subscription)


def test_a_new_wildcard_is_answered_even_with_nothing() -> None:
    subscription = clusters()
    subscription.subscribe([], [], {})
    assert offer(subscription).resources == ()
    subscription.acknowledge("n")
    assert nothing(subscription)


def test_names_beside_a_wildcard_are_kept_when_it_is_dropped() -> None:
    subscription = synced(clusters(A, B))
    subscription.subscribe(["a"], [], {})
    offer(subscription)
    subscription.acknowledge("n")
    subscription.subscribe([], ["*"], {})
    assert subscription.held.keys() == {"a"}
    replace(subscription, A2)
    assert names(offer(subscription)) == ["a"]  # and no word of b


@pytest.mark.parametrize(("left", "sent", "removed"), [((A,), ["a"], ()), ((), [], ("a",))])
def test_a_name_dropped_beside_a_wildcard_is_answered_once_more(
    left: tuple[Resource, ...], sent: list[str], removed: tuple[str, ...]
) -> None:
    subscription = synced(clusters(A))
    subscription.subscribe(["a"], [], {})
    offer(subscription)
    subscription.acknowledge("n")
    replace(subscription, *left)
    subscription.subscribe([], ["a"], {})
    push = offer(subscription)
    assert (names(push), push.removed) == (sent, removed)


def test_a_name_that_does_not_exist_is_answered_so() -> None:
    subscription = Subscription(ENDPOINT, {})
    subscription.subscribe(["gone"], [], {})
    assert offer(subscription).removed == ("gone",)
    subscription.acknowledge("n")
    replace(subscription, endpoints("gone", 1))
    assert names(offer(subscription)) == ["gone"]


def test_subscribing_again_resends() -> None:
    subscription = Subscription(ENDPOINT, resources(EA))
    subscription.subscribe(["a"], [], {})
    offer(subscription)
    subscription.acknowledge("n")
    subscription.subscribe(["a"], [], {})
    assert names(offer(subscription)) == ["a"]


def test_subscribing_again_while_in_flight_resends_after_the_ack() -> None:
    subscription = Subscription(ENDPOINT, resources(EA))
    subscription.subscribe(["a"], [], {})
    offer(subscription)
    subscription.subscribe([], ["a"], {})
    subscription.subscribe(["a"], [], {})
    assert nothing(subscription)
    subscription.acknowledge("n")
    assert names(offer(subscription)) == ["a"]


def test_what_is_no_longer_subscribed_is_not_sent() -> None:
    subscription = Subscription(ENDPOINT, resources(EA))
    subscription.subscribe(["a"], [], {})
    subscription.subscribe([], ["a"], {})
    replace(subscription, endpoints("a", 2))
    assert nothing(subscription)


def test_a_reconnect_sends_only_what_differs() -> None:
    subscription = clusters(A2, B)
    subscription.subscribe([], [], {"a": A.version, "b": B.version, "c": "1"})
    push = offer(subscription)
    assert (names(push), push.removed) == (["a"], ("c",))


def test_a_reconnect_with_everything_sends_nothing() -> None:
    subscription = Subscription(ENDPOINT, resources(EA, EB))
    subscription.subscribe(["a", "b"], [], {"a": EA.version, "b": EB.version})
    assert subscription.quiet
    assert nothing(subscription)


def test_a_stale_or_repeated_nonce_changes_nothing() -> None:
    subscription = clusters(A)
    subscription.subscribe([], [], {})
    offer(subscription)
    assert subscription.acknowledge("older") == ()
    assert subscription.reject("older", "no") == ()
    assert subscription.in_flight
    assert subscription.acknowledge("n") == (A,)
    assert subscription.acknowledge("n") == ()
    assert subscription.quiet


def test_changes_while_in_flight_are_merged() -> None:
    subscription = synced(clusters(A))
    replace(subscription, A2)
    offer(subscription)
    for timeout in (3, 4, 5):
        replace(subscription, cluster("a", timeout), B)
    assert nothing(subscription)
    subscription.acknowledge("n")
    assert set(offer(subscription).resources) == {cluster("a", 5), B}


def test_a_change_that_is_taken_back_is_not_sent() -> None:
    subscription = synced(clusters(A))
    replace(subscription, A2)
    replace(subscription, A)
    assert nothing(subscription)


def test_a_rejected_version_is_kept_with_its_error_and_not_sent_again() -> None:
    subscription = synced(clusters(A))
    replace(subscription, A2)
    offer(subscription)
    (rejection,) = subscription.reject("n", "no such thing")
    assert (rejection.name, rejection.version, rejection.error) == (
        "a",
        A2.version,
        "no such thing",
    )
    replace(subscription, A2, B)
    assert names(offer(subscription)) == ["b"]
    (status,) = (each for each in subscription.outstanding() if each.name == "a")
    assert (status.sent, status.accepted, status.verdict) == (
        A2.version,
        A.version,
        Verdict.REJECTED,
    )


def test_another_version_of_a_rejected_one_is_sent() -> None:
    subscription = synced(clusters(A))
    replace(subscription, A2)
    offer(subscription)
    subscription.reject("n", "no")
    replace(subscription, cluster("a", 3))
    assert names(offer(subscription)) == ["a"]
    subscription.acknowledge("n")
    assert not subscription.rejected


def test_those_an_error_does_not_name_are_sent_again_to_be_acknowledged() -> None:
    subscription = clusters(A, B)
    subscription.subscribe([], [], {})
    offer(subscription)
    (rejection,) = subscription.reject("n", "Error adding/updating cluster(s) a: bad")
    assert rejection.name == "a"
    assert names(offer(subscription)) == ["b"]


def test_an_error_without_a_name_is_narrowed_down() -> None:
    everything = [cluster(f"c{index}") for index in range(8)]
    subscription = clusters(*everything)
    subscription.subscribe([], [], {})
    sent: list[int] = []
    refused: list[Rejection] = []
    while push := subscription.offer("n", limit=BIG):
        sent.append(len(push.resources))
        if "c5" in names(push):
            refused += subscription.reject("n", "constraint validation failed")
        else:
            subscription.acknowledge("n")
    assert [rejection.name for rejection in refused] == ["c5"]
    assert [each.name for each in subscription.current()] == [
        *("c0", "c1", "c2", "c3", "c4", "c6", "c7")
    ]
    assert sent == [8, 4, 4, 2, 1, 1, 2]


def test_what_was_in_a_refused_response_may_be_held() -> None:
    subscription = clusters(A, B)
    subscription.subscribe([], [], {})
    offer(subscription)
    subscription.reject("n", "Error adding/updating cluster(s) a: bad")
    assert subscription.doubtful() == {"b"}
    replace(subscription)
    assert offer(subscription).removed == ("b",)


def test_a_reconnect_does_not_trust_what_is_doubtful() -> None:
    subscription = Subscription(CLUSTER, resources(A), frozenset({"a", "b"}))
    subscription.subscribe([], [], {"a": A.version})
    push = offer(subscription)
    assert (names(push), push.removed) == (["a"], ("b",))


def test_a_removal_cannot_be_refused_for_ever() -> None:
    subscription = synced(clusters(A))
    replace(subscription)
    assert offer(subscription).removed == ("a",)
    subscription.reject("n", "no")
    assert subscription.quiet


def test_removals_wait_until_they_are_due() -> None:
    subscription = synced(clusters(A, B))
    replace(subscription, B)
    assert subscription.offer("n", limit=BIG) is None
    assert offer(subscription, removals=True).removed == ("a",)


def test_past_a_rejection_only_answers_are_sent() -> None:
    subscription = Subscription(ENDPOINT, resources(EA))
    subscription.subscribe(["a"], [], {})
    offer(subscription)
    subscription.acknowledge("n")
    replace(subscription, endpoints("a", 2), EB)
    subscription.subscribe(["b"], [], {})
    assert names(offer(subscription, answers_only=True)) == ["b"]


def test_responses_are_cut_and_go_on_after_the_ack() -> None:
    everything = [cluster(f"c{index}") for index in range(5)]
    size = len(everything[0].body)
    subscription = clusters(*everything)
    subscription.subscribe([], [], {})
    sent = []
    while push := subscription.offer("n", limit=2 * size, answers_only=True):
        sent.append(names(push))
        subscription.acknowledge("n")
    assert sent == [["c0", "c1"], ["c2", "c3"], ["c4"]]


def test_one_resource_above_the_limit_is_sent_alone() -> None:
    subscription = clusters(A, B)
    subscription.subscribe([], [], {})
    assert names(offer(subscription, limit=1)) == ["a"]


def test_statuses_tell_what_is_held_and_what_is_pending() -> None:
    subscription = synced(clusters(A, B))
    replace(subscription, A2, B)
    assert [(each.name, each.verdict) for each in subscription.statuses()] == [
        ("a", Verdict.PENDING),
        ("b", Verdict.ACKED),
    ]
    offer(subscription)
    (status,) = subscription.outstanding()
    assert (status.sent, status.accepted) == (A2.version, A.version)
