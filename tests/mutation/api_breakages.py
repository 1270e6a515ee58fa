"""Breakages of the API and of what stands between it and the mesh."""

from __future__ import annotations

from tests.mutation.trials import Breakage

AUTHENTICATION = "tests/adapters/http/test_authentication.py::"
OBJECTS = "tests/adapters/http/test_objects.py::"
WATCHES = "tests/adapters/http/test_watches.py::"
RECONCILIATION = "tests/wiring/test_reconciliation.py::"

API = (
    Breakage(
        "a JSON patch may copy as much as it likes",
        "src/laneway/apiserver/patches.py",
        old="            copied_bytes += len(json.dumps(value, default=repr))\n",
        new="            copied_bytes = len(json.dumps(value, default=repr))\n",
        tests=("tests/apiserver/test_patches.py::test_copies_count_together",),
        why="a request of a few kilobytes takes all memory of the machine, and the mesh with it",
    ),
    Breakage(
        "each comma of a label selector is compared with the rest of it",
        "src/laneway/apiserver/selectors.py",
        old='    for found in re.finditer("[,()]", text):\n',
        new='    for found in re.finditer(r",(?![^(]*\\))|[()]", text):\n',
        tests=("tests/apiserver/test_selectors.py::test_a_long_one_takes_linear_time[a=b,{}c]",),
        why="whoever may read stops laneway for seconds with one request",
    ),
    Breakage(
        "patches add to an object without end",
        "src/laneway/apiserver/writes.py",
        old="    if len(json.dumps(fresh)) > _MOST_BYTES:\n",
        new="    if live is None and len(json.dumps(fresh)) > _MOST_BYTES:\n",
        tests=(OBJECTS + "test_an_object_does_not_grow_without_end",),
        why="a client fills memory and disk with one object",
    ),
    Breakage(
        "whoever applies an object takes its fields from others",
        "src/laneway/apiserver/field_ownership.py",
        old="    if conflicts and not force:\n",
        new="    if conflicts and force:\n",
        tests=(OBJECTS + "test_server_side_apply_names_who_owns_a_field",),
        why="a pipeline undoes in silence what somebody set by hand",
    ),
    Breakage(
        "a HEAD request is a DELETE",
        "src/laneway/adapters/http/objects.py",
        old="""            case "GET" | "HEAD":
                return await self._reads.one(request, place)
""",
        new="""            case "HEAD":
                return await self._delete(request, place)
            case "GET":
                return await self._reads.one(request, place)
""",
        tests=("tests/contract/test_objects.py::test_a_head_request_changes_nothing[laneway]",),
        why="a tool that only looks whether a lane is there deletes it",
    ),
    Breakage(
        "a status that is applied with an object counts",
        "src/laneway/apiserver/writes.py",
        old="    wanted = _applicable(write, wanted)\n",
        new="    wanted = {**wanted, 'metadata': _without_server_fields(wanted['metadata'])}\n",
        tests=(
            "tests/contract/test_field_ownership.py::test_a_status_has_owners_of_its_own[laneway]",
        ),
        why="whoever applies what `kubectl get -o yaml` printed seems to own the status",
    ),
    Breakage(
        "owners that a client writes are ignored",
        "src/laneway/apiserver/writes.py",
        old="now=write.now, stated=stated\n",
        new="now=write.now\n",
        tests=(
            "tests/contract/test_field_ownership.py::test_owners_are_removed_by_an_empty_entry[laneway]",
        ),
        why="what kubectl applied without server-side apply can never be taken out again",
    ),
    Breakage(
        "kubectl finds no PATCH of the kinds that are answered and not kept",
        "src/laneway/apiserver/discovery.py",
        old="""    if "create" in resource.verbs and "patch" not in resource.verbs:
""",
        new="""    if "create" not in resource.verbs and "patch" not in resource.verbs:
""",
        tests=(
            "tests/wiring/test_aggregated_api.py::test_discovery_names_what_is_served_and_no_more",
        ),
        why="whoever may not list CustomResourceDefinitions cannot ask laneway with kubectl",
    ),
    Breakage(
        "a request for any host is answered",
        "src/laneway/adapters/http/same_origin.py",
        old="    if name not in hosts:\n",
        new="    if not name:\n",
        tests=(AUTHENTICATION + "test_web_pages_of_others_are_refused_with_a_valid_token",),
        why="a web page reaches the API under a name of its own that leads to this machine",
    ),
    Breakage(
        "an expired token is valid",
        "src/laneway/apiserver/tokens.py",
        old=" or token is None or token.expires <= now:\n",
        new=" or token is None:\n",
        tests=(
            "tests/apiserver/test_tokens.py::test_a_token_expires",
            AUTHENTICATION + "test_a_token_is_needed_that_is_valid",
        ),
        why="a token that leaked long ago still changes the mesh",
    ),
    Breakage(
        "a single write brings an expired lane back",
        "src/laneway/adapters/http/objects.py",
        old="        if not place.subresource:\n",
        new="        if place.subresource:\n",
        tests=(OBJECTS + "test_a_lane_that_has_expired_is_refused_in_whatever_way_it_is_written",),
        why="kubectl applies what files, change sets and webhooks refuse",
    ),
    Breakage(
        "a lane that has expired cannot be labelled any more",
        "src/laneway/apiserver/expired_lanes.py",
        old="decoded.of(live).declared == lane and not states_its_end:",
        new="decoded.of(live).declared is lane and not states_its_end:",
        tests=(
            OBJECTS + "test_a_lane_that_expired_while_it_was_stored_is_still_labelled_and_deleted",
        ),
        why="tools that label or annotate objects fail on lanes that nobody touched",
    ),
    Breakage(
        "a lane is moved to a group by whoever may edit the one it comes from",
        "src/laneway/adapters/http/objects.py",
        old="[valid.manifest, *([live.manifest] if live else [])]",
        new="[live.manifest if live else valid.manifest]",
        tests=(AUTHENTICATION + "test_a_token_allows_what_its_scope_says",),
        why="a token for one group changes others",
    ),
    Breakage(
        "an object that loses its labels stays in the watch",
        "src/laneway/adapters/http/watches.py",
        old="        if was and self.tells_deletions:\n",
        new="        if was and self.tells_deletions and event.after is None:\n",
        tests=(WATCHES + "test_an_object_that_loses_its_labels_leaves_the_watch",),
        why="controllers and consoles show what is not there any more",
    ),
    Breakage(
        "a watch begins where the server did",
        "src/laneway/adapters/http/watches.py",
        old="            while revision < self._oldest:\n",
        new="            while revision < 0:\n",
        tests=(WATCHES + "test_a_server_that_was_restarted_tells_what_happened_before",),
        why="whoever watches over a restart misses changes",
    ),
    Breakage(
        "the stream of a client that reads too slowly has a gap before its end",
        "src/laneway/adapters/http/watches.py",
        old="    while not queue.empty():\n",
        new="    if queue.full():\n",
        tests=(WATCHES + "test_a_watch_that_is_not_read_is_ended_without_a_gap",),
        why="a controller never hears of a change, and goes on with what was before",
    ),
    Breakage(
        "a read of history does not notice that it was compacted meanwhile",
        "src/laneway/adapters/store/sqlite.py",
        old="        self.check_history(after)  # it may have been compacted before it was read\n",
        new="",
        tests=(
            "tests/adapters/store/test_sqlite.py"
            "::test_a_read_that_compaction_overtakes_says_that_its_history_is_gone[revisions]",
        ),
        why="a watch that resumes misses changes and does not say so",
    ),
    Breakage(
        "writes that the mesh cannot take together are not tried one by one",
        "src/laneway/wiring/reconciliation.py",
        old="        for edit in edits:\n",
        new="        for edit in edits[:0]:\n",
        tests=(
            RECONCILIATION + "test_of_writes_that_came_together_only_the_one_at_fault_is_not_taken",
        ),
        why="one rejected regular expression holds up everybody's changes",
    ),
    Breakage(
        "what failed before drags its neighbours along",
        "src/laneway/control/declared/declarations.py",
        old="                    planned, outcome = alone, await self._bring_about(alone)\n",
        new="                    pass\n",
        tests=(
            RECONCILIATION + "test_of_writes_that_came_together_only_the_one_at_fault_is_not_taken",
        ),
        why="one rejected lane stops every other lane of its group",
    ),
)
