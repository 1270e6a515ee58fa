"""Breakages of the console's server: who signs in, what is public, and what its stream tells."""

from __future__ import annotations

from tests.mutation.trials import Breakage

_HTTP = "tests/adapters/http/test_console.py::"
_REASONS = "tests/adapters/http/test_console_reasons.py::"
_TRIALS = "tests/wiring/test_request_trials.py::"

CONSOLE = (
    Breakage(
        "a link to the console signs in again and again",
        "src/laneway/apiserver/sign_in_codes.py",
        old="        expiry = self._expiry.pop(_digest(code), None)\n",
        new="        expiry = self._expiry.get(_digest(code))\n",
        tests=(
            "tests/apiserver/test_sign_in_codes.py::test_a_code_is_good_once",
            _HTTP + "test_a_link_signs_one_browser_in",
        ),
        why="whoever reads a terminal's history is an admin",
    ),
    Breakage(
        "the API is as public as the console's files",
        "src/laneway/adapters/http/authentication.py",
        old='        request.method == "GET" and request.scope["path"].startswith(ROOT)\n',
        new='        request.method == "GET" and request.scope["path"].startswith("/")\n',
        tests=(_HTTP + "test_only_the_files_are_public",),
        why="every local user reads the mesh",
    ),
    Breakage(
        "the console's port without TLS is opened to the network",
        "src/laneway/adapters/http/server.py",
        old="        if endpoint.tls is None and not is_loopback(endpoint.host):\n",
        new="        if endpoint.tls is None and not endpoint.host:\n",
        tests=(_HTTP + "test_without_tls_nothing_listens_beyond_loopback",),
        why="tokens cross the network in the clear",
    ),
    Breakage(
        "the console's stream tells of objects by their names",
        "src/laneway/adapters/http/watches.py",
        old="key=lambda item: (item[1].created, item[0])):\n",
        new="key=lambda item: item[0]):\n",
        tests=(_HTTP + "test_one_stream_tells_of_objects_of_all_kinds",),
        why="the console takes another lane for the baseline than the mesh does",
    ),
    Breakage(
        "signing out of the console leaves the token valid",
        "src/laneway/adapters/http/console_endpoints.py",
        old="        await self._tokens.remove(identity.token)\n",
        new="",
        tests=(_HTTP + "test_signing_out_revokes_the_token_and_ends_its_stream",),
        why="whoever copies a token from a browser keeps it for twelve hours",
    ),
    Breakage(
        "whoever may look sends requests through a gateway",
        "src/laneway/apiserver/request_trials.py",
        old="    if ADMIN not in identity.scopes and not any(",
        new="    if not identity.scopes and not any(",
        tests=(_TRIALS + "test_who_may_only_look_sends_nothing",),
        why="a token for dashboards orders goods",
    ),
    Breakage(
        "a request that is tried may break out of its lines",
        "src/laneway/schema/api_requests.py",
        old='    if not re.fullmatch(r"([!-~]([ \\t!-~]*[!-~])?)?", text):\n',
        new='    if not re.fullmatch(r"[^\\r]*", text):\n',
        tests=(_TRIALS + "test_what_is_no_request_is_refused",),
        why="a link to the console smuggles requests past the gateway's rules",
    ),
    Breakage(
        "trials of requests run at the same time",
        "src/laneway/wiring/request_trials.py",
        old="        async with self._turn:\n",
        new="        async with asyncio.Lock():\n",
        tests=(_TRIALS + "test_trials_run_one_after_the_other",),
        why="each shows the other's hops as its own",
    ),
    Breakage(
        "the console's map keeps rows whose baseline has changed",
        "console/src/lanes/laneMap.ts",
        old="    const sources = [each.lane, ...fallback, ...bases];\n",
        new="    const sources = [each.lane];\n",
        tests=(
            "console/src/lanes/laneMap.test.ts::a row follows the baseline that it falls back to",
        ),
        why="a cell points to a lane that answers no more",
    ),
    Breakage(
        "live requests are kept without end",
        "console/src/tap/tap.ts",
        old="    .slice(0, MOST);\n",
        new="    .slice(0);\n",
        tests=("console/src/tap/tap.test.ts::is bounded, and each row has a name of its own",),
        why="a page that is left open fills the browser's memory",
    ),
    Breakage(
        "a safe fix leaves a lane without rules",
        "src/laneway/compile/analyze/safe_fixes.py",
        old="        return len(rules) > 1  #",
        new="        return True  #",
        tests=("tests/compile/analyze/test_safe_fixes.py::test_whatever_might_be_meant_stays",),
        why="the lane takes its group's rules, and other requests enter it",
    ),
    Breakage(
        "values of headers with secrets are shown",
        "src/laneway/apiserver/access_log_entries.py",
        old="    return HIDDEN if _is_secret(name) else _TOKEN.sub(_without_token, value)\n",
        new="    return value\n",
        tests=("tests/apiserver/test_access_log_entries.py::test_secrets_in_headers_are_hidden",),
        why="whoever watches requests can act as their senders",
    ),
    Breakage(
        "the console does not know what files declare",
        "src/laneway/adapters/http/console_endpoints.py",
        old='{**shown, "declaredBy": "files"} if self._is_from_files(manifest) else shown\n',
        new="shown\n",
        tests=(_HTTP + "test_it_tells_what_files_declare",),
        why="its buttons end in refusals",
    ),
    Breakage(
        "an interrupted build of the console goes on",
        "src/laneway/adapters/host/programs.py",
        old="                os.killpg(process.pid, signal.SIGKILL)\n",
        new="                process.kill()\n",
        tests=(
            "tests/faces/cli/test_demo_consoles.py::test_an_interrupted_build_leaves_no_process",
        ),
        why="npm keeps a processor busy after the demo has ended",
    ),
    Breakage(
        "a build of the console that is interrupted at its start goes on",
        "src/laneway/adapters/host/programs.py",
        old="        process = await asyncio.shield(starting)\n",
        new="        process = await starting\n",
        tests=(
            "tests/faces/cli/test_demo_consoles.py::test_an_interrupted_build_leaves_no_process[True]",
        ),
        why="Ctrl-C waits for npm, as long as that takes",
    ),
    Breakage(
        "an editable install pays for Node",
        "build_backend.py",
        old="get_requires_for_build_editable = hatchling.get_requires_for_build_editable\n",
        new="def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:\n"
        "    return [*hatchling.get_requires_for_build_editable(config_settings), *_node()]\n",
        tests=("tests/test_build_console.py::test_only_wheels_and_source_distributions_need_node",),
        why="`make setup` downloads 61 MB that it does not use",
    ),
    Breakage(
        "a form that is saved over another change takes that change back",
        "console/src/lanes/merges.ts",
        old="  if (isSame(mine, base) || isSame(mine, theirs)) return theirs;\n",
        new="  if (isSame(mine, theirs)) return theirs;\n",
        tests=("console/src/lanes/merges.test.ts::has the changes of both",),
        why="two people who edit a lane undo each other's work",
    ),
    Breakage(
        "the evidence for a lost lane leaves out calls with another value",
        "console/src/parts/LostCalls.tsx",
        old="    const lost = each.withoutHeader + each.unknownValue;\n",
        new="    const lost = each.withoutHeader;\n",
        tests=(
            "console/src/parts/LostCalls.test.ts::"
            "are named with their evidence, and what is to be done",
        ),
        why="the numbers that the console shows do not add up",
    ),
    Breakage(
        "a sentence of the simulator is not in Chinese",
        "console/src/texts/phrases.ts",
        old="  'lane has no service': '泳道 {{lane}} 中不存在 {{service}}',\n",
        new="",
        tests=(
            "tests/adapters/http/test_console_types.py::"
            "test_the_console_has_all_sentences_of_the_simulator_in_chinese",
        ),
        why="a Chinese page of the console has English reasons",
    ),
    Breakage(
        "the console shows what arrives while a button is pressed",
        "console/src/presses.ts",
        old="  return pressed ? new",
        new="  return pressed && !pressed ? new",
        tests=(
            "console/src/presses.test.ts::waits for the release and for the click after it",
            "console/src/api/api.test.ts::no object of the stream",
            "console/src/api/api.test.ts::no answer of the API",
        ),
        why="the page moves between press and release, and clicks are lost",
    ),
    Breakage(
        "the console shows what arrives between a release and its click",
        "console/src/presses.ts",
        old="  endAfter(CLICK);\n",
        new="  endAfter(0);\n",
        tests=("console/src/presses.test.ts::waits for the release and for the click after it",),
        why="on a touch screen the page moves away from under the finger",
    ),
    Breakage(
        "the release of a first click ends the press of a second one",
        "console/src/presses.ts",
        old="  clearTimeout(ending);\n",
        new="",
        tests=("console/src/presses.test.ts::waits for the second click of two",),
        why="who clicks fast misses",
    ),
    Breakage(
        "a press that ends in a drag is never over",
        "console/src/presses.ts",
        old="'pointerup', 'pointercancel', ",
        new="'pointerup', ",
        tests=("console/src/presses.test.ts::ends with a drag, a menu and another window as well",),
        why="who drags a link looks at a page that stands still",
    ),
    Breakage(
        "a press whose end nobody tells is never over",
        "console/src/presses.ts",
        old="  endAfter(LONGEST);\n",
        new="",
        tests=("console/src/presses.test.ts::ends by itself where nothing tells of its end",),
        why="who has pressed a scroll bar looks at a page that stands still",
    ),
    Breakage(
        "answers of the API do not wait for the release of a button",
        "console/src/api/requests.ts",
        old="  } finally {\n    await whenReleased();\n  }\n",
        new="  } finally {\n  }\n",
        tests=("console/src/api/api.test.ts::no refusal of the API",),
        why="an alert moves the page under a pressed button, and the click is lost",
    ),
    Breakage(
        "a code of a finding has no Chinese sentence",
        "console/src/texts/findings.ts",
        old="  SHADOWED_RULE: '该规则的所有请求都先被其他规则处理。',\n",
        new="",
        tests=(_REASONS + "test_every_code_of_a_finding_has_a_sentence_in_chinese",),
        why="a Chinese page of the console says in English what is wrong",
    ),
    Breakage(
        "a condition has a reason without a Chinese sentence",
        "src/laneway/apiserver/lane_status.py",
        old='        return Condition("Programmed", False, "NotAcknowledged", message)\n',
        new='        return Condition("Programmed", False, "Unacknowledged", message)\n',
        tests=(_REASONS + "test_every_reason_of_a_condition_has_a_sentence_in_chinese",),
        why="a new reason stands in English on Chinese pages",
    ),
    Breakage(
        "the API refuses with a reason without a Chinese sentence",
        "src/laneway/apiserver/failures.py",
        old='    507: "InsufficientStorage",\n',
        new='    507: "DiskFull",\n',
        tests=(_REASONS + "test_every_reason_of_a_refusal_has_a_sentence_in_chinese",),
        why="a Chinese page of the console says in English why nothing was written",
    ),
    Breakage(
        "a cause of a refusal has no Chinese sentence",
        "src/laneway/apiserver/change_sets.py",
        old='            self._problem(path, "UnknownKind", message)\n',
        new='            self._problem(path, "StrangeKind", message)\n',
        tests=(_REASONS + "test_every_cause_of_a_refusal_has_a_sentence_in_chinese",),
        why="a Chinese page of the console says in English which field is wrong",
    ),
    Breakage(
        "the server's own words are dropped where there is a Chinese heading",
        "console/src/parts/Told.tsx",
        old="        {text}\n",
        new="",
        tests=(
            "console/src/parts/Told.test.ts::"
            "stands below a Chinese heading, and alone on an English page",
        ),
        why="a Chinese page says that a value is wrong, and not which one",
    ),
    Breakage(
        "a group without troubles has no line for them",
        "console/src/parts/Troubles.tsx",
        old="  if (first === undefined) {\n",
        new="  if (first === undefined) return null;\n  if (found.length < 0) {\n",
        tests=("console/src/parts/Told.test.ts::are one line, which is there without any as well",),
        why="the lane map jumps whenever something goes wrong",
    ),
    Breakage(
        "a table sorts v10 before v2",
        "console/src/parts/arranged.ts",
        old="{ numeric: true }",
        new="{}",
        tests=(
            "console/src/parts/arranged.test.ts::"
            "sorts texts as people do, and numbers by their size",
        ),
        why="of forty lanes nobody finds the newest",
    ),
    Breakage(
        "rows without a value come first where a table is sorted downwards",
        "console/src/parts/arranged.ts",
        old="return Number(one === null) - Number(other === null);\n",
        new="return Number(one === null) === Number(isDescending) ? -1 : 1;\n",
        tests=("console/src/parts/arranged.test.ts::has what has no value at the end, either way",),
        why="the slowest service is below all those that nobody measured",
    ),
    Breakage(
        "the map takes the browser's keys",
        "console/src/parts/gridKeys.ts",
        old="  if (altKey || shiftKey) return null;\n",
        new="",
        tests=("console/src/parts/gridKeys.test.ts::leave the browser its own",),
        why="Alt and an arrow, which go back in history, move in the map",
    ),
    Breakage(
        "Ctrl and End lead to the end of a row of the map",
        "console/src/parts/gridKeys.ts",
        old="(ctrlKey || metaKey ? WITH_CONTROL : STEPS)",
        new="STEPS",
        tests=(
            "console/src/parts/gridKeys.test.ts::"
            "lead to the ends of a row, and with Ctrl to those of the grid",
        ),
        why="of a hundred lanes the last one is a hundred presses away",
    ),
    Breakage(
        "the preview of a deletion leaves the lanes of the group out",
        "console/src/parts/lanePlans.ts",
        old="        preview: () => preview([], [...lanes, group]),\n",
        new="        preview: () => preview([], [group]),\n",
        tests=(
            "console/src/parts/lanePlans.test.ts::"
            "of a group is previewed and made with all of its lanes, in one change",
        ),
        why="who deletes a group is not shown which requests change their path",
    ),
    Breakage(
        "the preview of a lane's deletion shows what is without it anyway",
        "console/src/parts/lanePlans.ts",
        old="        preview: () => preview([], [lane]),\n",
        new="        preview: () => preview([]),\n",
        tests=("console/src/parts/lanePlans.test.ts::of a lane is previewed without being made",),
        why="no request seems to change its path, and the lane is deleted",
    ),
    Breakage(
        "without change sets a group is deleted before its lanes",
        "console/src/parts/lanePlans.ts",
        old="          const all = [...lanes, group];\n",
        new="          const all = [group, ...lanes];\n",
        tests=(
            "console/src/parts/lanePlans.test.ts::"
            "of a group is made one by one where there are no change sets, the lanes first",
        ),
        why="between two writes the lanes of a cluster are without their group",
    ),
)
