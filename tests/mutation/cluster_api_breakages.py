"""Breakages of ``api.laneway.dev`` in a cluster: whom it believes, what it writes, what it says."""

from __future__ import annotations

from tests.mutation.trials import Breakage

FRONT = "tests/adapters/http/test_front_proxies.py::"
SERVED = "tests/wiring/test_aggregated_api.py::"
CHANGES = "tests/wiring/test_cluster_changes.py::"
STEPS = "tests/apiserver/test_cluster_change_sets.py::"
CERTIFICATES = "tests/wiring/test_made_certificates.py::"
REVIEWS = "tests/adapters/kube/test_access_reviews.py::"
COMMANDS = "tests/faces/cli/test_aggregated_commands.py::"

CLUSTER_API = (
    Breakage(
        "headers that name a user are believed without the front proxy's certificate",
        "src/laneway/adapters/http/front_proxies.py",
        old="""        if not certificate:
            raise Failure(
                401, "only the cluster's API server is answered here, by its client certificate"
            )
        # The""",
        new="""        if not certificate:
            return user_of(self._proxy(), scope["headers"])
        # The""",
        tests=(
            FRONT + "test_without_a_certificate_no_header_is_believed",
            SERVED + "test_who_goes_past_the_api_server_is_not_answered",
        ),
        why="any pod of the cluster acts as its administrator",
    ),
    Breakage(
        "any certificate of the front proxy's authority names users",
        "src/laneway/apiserver/front_proxy.py",
        old="    if proxy.names and not proxy.names.issuperset(common_names):\n",
        new="    if not common_names:\n",
        tests=(
            FRONT + "test_other_clients_of_the_same_authority_are_refused",
            "tests/apiserver/test_front_proxy.py::test_only_the_proxys_own_certificate_counts",
        ),
        why="where one authority signs for proxies and users, each user is whoever they like",
    ),
    Breakage(
        "a standing connection is believed after its certificate has expired",
        "src/laneway/adapters/http/front_proxies.py",
        old='certificate["notAfter"]) <= self._now()',
        new='certificate["notAfter"]) <= 0 * self._now()',
        tests=(FRONT + "test_a_certificate_that_expires_on_a_standing_connection_is_refused",),
        why="the API server's connections stand for days",
    ),
    Breakage(
        "connections of a front proxy that was replaced stay",
        "src/laneway/wiring/aggregated_api.py",
        old="                if self._proxy() != before:\n",
        new="                if self._proxy() is before:\n",
        tests=(SERVED + "test_a_new_front_proxy_is_believed_and_the_old_one_no_longer",),
        why="an authority that leaked was replaced, and whoever has its key goes on",
    ),
    Breakage(
        "whoever is authenticated may ask",
        "src/laneway/adapters/http/virtual_objects.py",
        old="            await self._authorize(_identity(request), resource)\n",
        new="",
        tests=(
            SERVED + "test_the_cluster_decides_who_may_ask",
            SERVED + "test_nothing_is_read_of_who_may_not_ask",
        ),
        why="every user of the cluster learns of all lanes, whatever roles say",
    ),
    Breakage(
        "an answer of the cluster counts for other users, too",
        "src/laneway/adapters/kube/access_reviews.py",
        old='        "groups": list(user.groups),\n',
        new="",
        tests=(REVIEWS + "test_an_answer_counts_for_some_seconds_and_for_that_question_only",),
        why="who has left a group keeps its rights",
    ),
    Breakage(
        "an explicit denial is passed over",
        "src/laneway/adapters/kube/access_reviews.py",
        old=' and status.get("denied") is not True\n',
        new="\n",
        tests=(REVIEWS + "test_only_a_plain_yes_is_a_yes",),
        why="an authorizer that forbids is overruled by one that allows",
    ),
    Breakage(
        "a user with the right to change sets writes any lane",
        "src/laneway/wiring/cluster_changes.py",
        old="        await self._check(asked, named)\n",
        new="",
        tests=(
            CHANGES + "test_who_may_not_write_an_object_writes_none_and_learns_nothing",
            CHANGES + "test_the_cluster_is_asked_for_each_object_as_kubernetes_would",
        ),
        why="the operator's rights become everybody's",
    ),
    Breakage(
        "a prune deletes what the user may not delete",
        "src/laneway/wiring/cluster_changes.py",
        old="        await self._check(asked, unnamed)\n",
        new="",
        tests=(CHANGES + "test_prune_deletes_what_the_source_applied_before",),
        why="lanes go that the user may not touch, since no request named them",
    ),
    Breakage(
        "a new object is written by who may only change objects",
        "src/laneway/apiserver/cluster_change_sets.py",
        old='else ("create", "patch")\n',
        new='else ("patch",)\n',
        tests=(
            STEPS + "test_a_new_object_is_created_and_patched_as_kubernetes_asks_it",
            CHANGES + "test_the_cluster_is_asked_for_each_object_as_kubernetes_would",
        ),
        why="Kubernetes asks for both, so a role that allows no new lanes allows them here",
    ),
    Breakage(
        "a name leads to another URL",
        "src/laneway/apiserver/cluster_change_sets.py",
        old='    return len(text) <= 253 and all(map(is_label, text.split(".")))\n',
        new="    return len(text) <= 253\n",
        tests=(STEPS + "test_what_is_no_name_becomes_no_url",),
        why="a name such as `x/status` or `../secrets/x` uses rights of the operator",
    ),
    Breakage(
        "change sets are written without being tried",
        "src/laneway/wiring/cluster_writes.py",
        old="return await self._do(step, author, dry_run=True)\n",
        new="return step.body\n",
        tests=(CHANGES + "test_what_only_the_api_server_refuses_is_refused_too",),
        why="what a webhook refuses is found half way",
    ),
    Breakage(
        "a change set that was written in part counts as written",
        "src/laneway/wiring/cluster_writes.py",
        old="                    raise _in_part(reports, step, error, rest) from error\n",
        new="                    break\n",
        tests=(
            CHANGES + "test_a_failure_half_way_says_what_is_written",
            COMMANDS + "test_a_change_set_written_in_part_says_so",
        ),
        why="a pipeline goes on as if its lanes were there",
    ),
    Breakage(
        "who reports a lane's status counts as its source",
        "src/laneway/apiserver/change_sets.py",
        old=" and not m.subresource\n",
        new="\n",
        tests=(STEPS + "test_who_reports_a_status_declares_nothing",),
        why="in a cluster, the operator reports on every lane, so none could be deleted or pruned",
    ),
    Breakage(
        "a renewed certificate is served before its authority is known",
        "src/laneway/wiring/made_certificates.py",
        old="        if self._served is None or self._announced == kept:\n",
        new="        if self._served is None or self._announced != kept:\n",
        tests=(CERTIFICATES + "test_a_renewed_one_is_trusted_before_it_is_served",),
        why="the API server does not trust it for a while, and requests fail",
    ),
    Breakage(
        "a renewed certificate's bundle forgets the one before",
        "src/laneway/adapters/http/serving_pairs.py",
        old="    return ServingPair(authority.pem() + _newest(before, now), certificate, key)\n",
        new="    return ServingPair(authority.pem(), certificate, key)\n",
        tests=(CERTIFICATES + "test_a_renewed_one_is_trusted_before_it_is_served",),
        why="replicas that serve the old one are not trusted any more",
    ),
    Breakage(
        "aggregated discovery is answered with another document",
        "src/laneway/adapters/http/application.py",
        old="        if not _takes_plain(request):\n",
        new='        if not request.headers.get("accept", "*"):\n',
        tests=(SERVED + "test_aggregated_discovery_is_refused_so_that_plain_discovery_is_asked",),
        why="Kubernetes takes it for what it asked for, and shows the group without kinds",
    ),
    Breakage(
        "who may not use laneway's own API cannot explain or apply",
        "src/laneway/faces/cli/server_requests.py",
        old=' is forbidden" in text:\n',
        new=' is forbidden" in path:\n',
        tests=(
            COMMANDS + "test_who_may_not_ask_the_operator_asks_the_objects",
            COMMANDS + "test_without_the_right_to_change_sets_the_user_writes",
        ),
        why="commands that worked fail once an administrator enables the API",
    ),
)
