"""``get``, ``describe``, ``apply``, ``diff``, ``edit``, ``delete``, ``wait`` on a running mesh."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.e2e.running_servers import RunningServer, log_errors_alone, running_server
from tests.e2e.scenarios import EXAMPLES
from tests.faces.cli.conftest import Result
from tests.faces.cli.conftest import cli as cli

from laneway.control.control_plane import ControlPlane

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

FILES = EXAMPLES / "scenario-2"
Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture
def ask(server: RunningServer, cli: Ask, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a command that asks the server; everything of scenario 2 is applied, and ready."""
    monkeypatch.setenv("LANEWAY_DATA_DIR", str(server.data))
    log_errors_alone()
    assert cli("apply", "-f", FILES).code == 0
    assert cli("wait", "lanes", "--timeout=60s").code == 0
    return cli


def lane(name: str) -> dict[str, object]:
    documents = yaml.safe_load_all((FILES / "lanes.yaml").read_text())
    (found,) = [d for d in documents if d["kind"] == "Lane" and d["metadata"]["name"] == name]
    return dict(found)


def written(folder: Path, *documents: object) -> Path:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return path


def test_apply_says_what_changed_and_that_all_proxies_have_it(ask: Ask, tmp_path: Path) -> None:
    new = {**lane("s3"), "metadata": {"name": "s4"}}
    same, changed = lane("s2"), {**lane("s3"), "services": None}
    changed = json.loads(json.dumps(lane("s3")))
    changed["spec"]["services"] = ["mocka", "mockb"]
    found = ask("apply", "-f", written(tmp_path, new, same, changed))
    assert found.code == 0, found
    assert "lane.laneway.dev/s4 created\n" in found.out
    assert "lane.laneway.dev/s2 unchanged\n" in found.out
    assert "lane.laneway.dev/s3 configured\n" in found.out
    assert "1 created, 1 unchanged, 1 configured\n" in found.out
    assert re.search(r"proxies: all 10 have it\n", found.out)
    assert ask("delete", "lane", "s4").code == 0


def test_apply_of_what_is_there_changes_nothing(ask: Ask) -> None:
    found = ask("apply", "-f", FILES)
    assert (found.code, "configured" in found.out, "created" in found.out) == (0, False, False)


def test_apply_names_the_file_of_what_is_refused_and_applies_nothing(
    ask: Ask, tmp_path: Path
) -> None:
    wrong = json.loads(json.dumps(lane("s2")))
    wrong["spec"]["servces"] = ["mocka"]
    path = written(tmp_path, {**lane("s3"), "metadata": {"name": "s5"}}, wrong)
    found = ask("apply", "-f", path)
    assert (found.code, found.out) == (1, "")
    assert f"{path}:" in found.message
    assert "servces" in found.message
    assert "Nothing was changed." in found.message
    assert ask("get", "lane", "s5").code == 1


def test_apply_leaves_fields_of_others_alone_unless_it_is_forced(ask: Ask, tmp_path: Path) -> None:
    changed = json.loads(json.dumps(lane("s2")))
    changed["spec"]["services"] = ["mocka"]
    path = written(tmp_path, changed)
    found = ask("apply", "-f", path, "--field-manager", "pipeline")
    assert found.code == 1
    assert "--force-conflicts" in found.message
    assert ask("apply", "-f", path, "--field-manager", "pipeline", "--force-conflicts").code == 0
    back = ask("apply", "-f", FILES, "--force-conflicts")
    assert "lane.laneway.dev/s2 configured" in back.out


def test_a_dry_run_and_a_diff_change_nothing(ask: Ask, tmp_path: Path) -> None:
    changed = json.loads(json.dumps(lane("s2")))
    changed["spec"]["services"] = ["mocka"]
    path = written(tmp_path, changed)
    trial = ask("apply", "-f", path, "--dry-run")
    assert (trial.code, trial.out.splitlines()[0]) == (
        0,
        "lane.laneway.dev/s2 configured (dry run)",
    )
    found = ask("diff", "-f", path)
    assert found.code == 1
    assert re.search(r"^-\s+- mockc$", found.out, re.M)
    assert "resourceVersion" not in found.out
    same = ask("diff", "-f", FILES)
    assert (same.code, same.out) == (0, "")


def test_a_diff_that_cannot_be_told_exits_2(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("diff", "-f", tmp_path / "none.yaml").code == 2
    monkeypatch.setenv("LANEWAY_DATA_DIR", str(tmp_path))
    assert ask("diff", "-f", FILES).code == 2


def test_get_lists_with_readiness_and_in_every_form(ask: Ask) -> None:
    table = ask("get", "lanes")
    assert table.out.split("\n")[0].split()[:3] == ["Name", "Group", "Weight"]
    assert re.search(r"^s1\s+test\s+.*True\s+True\s+True", table.out, re.M)
    assert "Labels" in ask("get", "lanes", "-o", "wide").out
    assert ask("get", "lane", "s1", "s3", "-o", "name").out.split() == [
        "lane.laneway.dev/s1",
        "lane.laneway.dev/s3",
    ]
    listed = json.loads(ask("get", "lanes", "-o", "json").out)
    assert [each["metadata"]["name"] for each in listed["items"]] == ["s1", "s2", "s3"]
    assert listed["items"][0]["kind"] == "Lane"
    one = yaml.safe_load(ask("get", "lane/s1", "-o", "yaml").out)
    assert one["spec"]["group"] == "test"
    assert "managedFields" not in one["metadata"]


def test_get_knows_short_names_selectors_and_namespaces(ask: Ask) -> None:
    assert ask("get", "svc/mocka", "lane/s1", "-o", "name").out.split() == [
        "service/mocka",
        "lane.laneway.dev/s1",
    ]
    chosen = ask("get", "workloads", "-l", "app=mocka,version=v2", "-o", "name")
    assert chosen.out.split() == ["workload.laneway.dev/mocka-v2"]
    assert ask("get", "workloads", "-n", "elsewhere").err == "No objects found.\n"
    everywhere = ask("get", "gw", "-A").out
    assert re.search(r"^istio-system\s+ingressgateway", everywhere, re.M)
    every = ask("get", "all").out
    assert "lane.laneway.dev/s1" in every
    assert "service/mocka" in every


def test_what_is_written_back_is_unchanged(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "exported.yaml"
    path.write_text(ask("get", "lane", "s1", "-o", "yaml").out)
    assert ask("diff", "-f", FILES / "lanes.yaml").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["lane", "none"], 1, 'lanes.laneway.dev "none" not found'),
        (["lans"], 2, "there is no resource 'lans'; did you mean lanes?"),
        ([], 2, "say which resource"),
        (["lane/s1/x"], 2, "write RESOURCE/NAME"),
        (["lane", "lane/s1"], 2, "write either"),
        (["service", "mocka", "-A"], 2, "-n NAME"),
    ],
)
def test_get_says_what_is_wrong(ask: Ask, words: list[str], code: int, said: str) -> None:
    found = ask("get", *words)
    assert (found.code, said in found.message) == (code, True), found


def test_describe_shows_conditions_and_reasons(ask: Ask) -> None:
    found = ask("describe", "lane", "s1")
    assert found.code == 0
    assert re.search(r"^Name:\s+s1\s*$", found.out, re.M)
    assert re.search(r"^  Ready\s+True\s+InstancesReady", found.out, re.M)
    assert "Managed by:" in found.out
    assert "- mocka" in found.out
    events = found.out.partition("Events:\n")[2]
    assert re.search(r"^  Normal\s+AcknowledgedByProxies\s+\S+\s+1", events, re.M), found.out


def test_delete_says_what_is_gone_and_that_all_proxies_know(ask: Ask, tmp_path: Path) -> None:
    ask("apply", "-f", written(tmp_path, {**lane("s3"), "metadata": {"name": "s6"}}))
    found = ask("delete", "lane/s6")
    assert found.code == 0
    assert found.out.startswith("lane.laneway.dev/s6 deleted\nproxies: all 10 have it")
    assert ask("get", "lane", "s6").code == 1
    again = ask("delete", "lane/s6")
    assert (again.code, "not found" in again.message) == (1, True)
    assert ask("delete", "lane/s6", "--ignore-not-found").code == 0
    assert ask("delete", "lanes").code == 2
    trial = ask("delete", "-f", FILES, "--dry-run")
    assert trial.code == 0
    assert ask("get", "lane", "s1").code == 0


def test_a_write_that_makes_a_group_invalid_says_so(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stored, as in a cluster, and the proxies have the state before."""
    found = ask("delete", "lane/s1")
    assert found.code == 1
    assert found.out.startswith("lane.laneway.dev/s1 deleted\ninvalid: LaneGroup test")
    assert "lane group test has no lane s1, its baseline" in found.out
    assert "proxies: what was valid before stays active; mend it" in found.out
    assert "have it" not in found.out
    unrelated = ask("delete", "lane/s3", "--ignore-not-found")
    assert (unrelated.code, "invalid:" in unrelated.out) == (0, False)
    assert ask("apply", "-f", FILES).code == 0
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/mockc/mockd/")
    edited = ask("edit", "lane/s2")
    assert edited.code == 1
    assert "edited\ninvalid: Lane test/s2, spec.services" in edited.out
    ask("apply", "-f", FILES, "--force-conflicts")
    off = ask("lane", "disable", "s1", "--force-conflicts")
    assert (off.code, "invalid: " in off.out) == (1, True)
    assert ask("lane", "enable", "s1", "--force-conflicts").code == 0


def test_wait_tells_what_is_lacking(ask: Ask, tmp_path: Path) -> None:
    lacking = {**lane("s3"), "metadata": {"name": "s7"}}
    lacking["spec"] = {**lane("s3")["spec"], "selector": {"version": "v9"}}  # type: ignore[dict-item]
    ask("apply", "-f", written(tmp_path, lacking))
    found = ask("wait", "lane/s7", "--timeout=1s")
    assert found.code == 1
    assert "no ready instance in lane s7 of default/mockb" in found.message
    assert ask("wait", "lane/s7", "--for=condition=Ready=False").code == 0
    assert ask("delete", "lane/s7").code == 0
    assert ask("wait", "lane/s7", "--for=delete").code == 0
    assert ask("wait", "lane/s7", "--timeout=0").code == 1
    assert ask("wait", "lane/s1", "--for=ready").code == 2


def test_edit_applies_what_the_editor_saves(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/^x/y/")
    assert ask("edit", "lane", "s2").out == "lane.laneway.dev/s2 unchanged\n"
    monkeypatch.setenv("KUBE_EDITOR", "sed -i '/- mockc/d'")
    found = ask("edit", "lane", "s2")
    assert found.code == 0, found
    assert "lane.laneway.dev/s2 edited\nproxies: all 10 have it" in found.out
    assert "- mockc" not in ask("get", "lane", "s2", "-o", "yaml").out
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/group:/gruop:/")
    refused = ask("edit", "lane", "s2")
    assert refused.code == 1
    kept = re.search(r"What you wrote is in (\S+)", refused.message)
    assert kept
    assert "gruop: test" in Path(kept[1]).read_text()
    Path(kept[1]).unlink()
    monkeypatch.setenv("KUBE_EDITOR", "false")
    assert ask("edit", "lane", "s2").code == 1
    ask("apply", "-f", FILES, "--force-conflicts")


def test_a_rollback_takes_back_what_history_shows(ask: Ask, tmp_path: Path) -> None:
    before = ask("history", "--limit", "1", "-o", "name").out.split("/")[1].strip()
    ask("apply", "-f", written(tmp_path, {**lane("s3"), "metadata": {"name": "s9"}}))
    assert "lane/s9 created" in ask("history", "lane", "s9").out
    found = ask("rollback", before)
    assert found.code == 0, found
    assert "lane.laneway.dev/s9 deleted\n1 deleted\n" in found.out
    assert "proxies: all 10 have it\n" in found.out
    assert ask("diff", "--revision", before).code == 0


def test_a_promotion_reaches_all_proxies_and_is_undone(ask: Ask) -> None:
    found = ask("promote", "s2")
    assert found.code == 0, found
    assert "baseline of mockc: - -> s2\n" in found.out
    assert "proxies: all 10 have it\n" in found.out
    undone = ask("promote", "s2", "--undo")
    assert (undone.code, "baseline of mockc: s2 -> -\n" in undone.out) == (0, True), undone
    assert "serviceBaselines" not in ask("get", "lanegroup", "test", "-o", "yaml").out


def test_a_new_lane_runs_a_command_and_says_which_request_enters_it(
    ask: Ask, server: RunningServer
) -> None:
    laneway_mock = shlex.join([str(Path(sys.executable).with_name("laneway-mock"))])
    words = ("--service", f"mocka={laneway_mock}", "--env", "version=fixed", "--ttl", "3d")
    found = ask("lane", "create", "fix-1", *words)
    assert found.code == 0, found
    assert "lane.laneway.dev/fix-1 created\nworkload.laneway.dev/mocka-fix-1 created" in found.out
    assert "proxies: all 11 have it\n" in found.out
    shown = re.search(r"^try it: curl (.*)$", found.out, re.M)
    assert shown
    answer = subprocess.run(["curl", "-s", *shlex.split(shown[1])], capture_output=True, text=True)
    assert "mocka(version: fixed" in answer.stdout
    gone = ask("lane", "delete", "fix-1")
    assert (gone.code, "proxies: all 10 have it\n" in gone.out) == (0, True), gone


def test_explain_asks_what_runs_and_knows_what_is_not_ready(ask: Ask) -> None:
    words = ("explain", "--path", "/mock", "-H", "my-request-id: s2")
    found = ask(*words)
    assert found.code == 0, found
    first, *_, last = found.out.splitlines()
    assert (first, last) == ("live: all 9 workloads are ready", "-> mocka-v2, mockb-v1, mockc-v2")
    assert ask("stop", "mocka-v2").code == 0
    try:
        found = ask(*words)
        first, *_, last = found.out.splitlines()
        assert first == "live: 8 of 9 workloads are ready, and not mocka-v2"
        assert last == "-> mocka-v1, mockb-v1, mockc-v2"
        assert ask(*words, "-f", FILES).out.splitlines()[-1] == "-> mocka-v2, mockb-v1, mockc-v2"
    finally:
        assert ask("start", "mocka-v2").code == 0


def test_apply_does_not_say_that_a_proxy_has_it_which_hangs(
    ask: Ask, server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = ControlPlane.change.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "deadline", 0.5)  # each phase waits so long for the proxy
    monkeypatch.setattr(ControlPlane.wait_synced, "__defaults__", (0.5,))
    pid = server.serving.embedded.proxy_pid("sidecar~mockc-v3.default")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        new = written(tmp_path, {**lane("s3"), "metadata": {"name": "s8"}})
        found = ask("apply", "-f", new, "--timeout", "1")
        assert found.code == 1
        assert "lane.laneway.dev/s8 created" in found.out
        assert "all 10 have it" not in found.out
    finally:
        os.kill(pid, signal.SIGCONT)
    gone = ask("delete", "-f", new)
    assert (gone.code, "proxies: all 10 have it" in gone.out) == (0, True), gone
