"""The workflows' structure, and their jobs run step by step: a pull request's life, a release's."""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.conftest import EXAMPLES, NOW, Objects, commit
from tests.workflows.jobs import EXPRESSION, Runner, load
from tests.workflows.validation import problems

pytestmark = pytest.mark.slow

FOLDER = EXAMPLES / "github-actions"
WORKFLOWS = {path.stem: load(path) for path in (FOLDER / ".github/workflows").glob("*.yml")}
JOBS = [(workflow, job) for workflow in WORKFLOWS for job in WORKFLOWS[workflow]["jobs"]]
SCRIPTS = sorted(path.name for path in (FOLDER / "scripts").iterdir())

PULL_REQUEST = {
    "github.event.number": "7",
    "github.event.pull_request.head.sha": "c0ffee",
    "github.repository": "example/shop",
    "github.token": "t",
    "secrets.KUBECONFIG": "apiVersion: v1\nkind: Config",
}


def jobs(workflow: str) -> dict[str, dict[str, Any]]:
    return dict(WORKFLOWS[workflow]["jobs"])


def steps(workflow: str, job: str) -> list[dict[str, Any]]:
    return list(jobs(workflow)[job]["steps"])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_say_when_and_may_do_little(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow.keys() <= {"name", "on", "permissions", "concurrency", "env", "jobs"}
    assert workflow["on"].keys() <= {"pull_request", "push", "schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("workflow", "name"), JOBS)
def test_jobs_are_well_formed(workflow: str, name: str) -> None:
    job = jobs(workflow)[name]
    assert job.keys() <= {
        "needs", "if", "runs-on", "environment", "permissions", "strategy", "env", "outputs",
        "steps",
    }  # fmt: skip
    assert job["runs-on"] == "ubuntu-latest"
    needs = job.get("needs", [])
    assert set([needs] if isinstance(needs, str) else needs) <= jobs(workflow).keys()
    for step in job["steps"]:
        assert step.keys() <= {"id", "if", "uses", "with", "run", "env"}
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize(("workflow", "name"), JOBS)
def test_expressions_lead_to_what_exists(workflow: str, name: str) -> None:
    job = jobs(workflow)[name]
    needs = job.get("needs", [])
    text = " ".join([*EXPRESSION.findall(str(job)), job.get("if", "")])
    for other, kind, output in re.findall(r"needs\.(\w+)\.(outputs|result)(?:\.(\w+))?", text):
        assert other in needs
        assert kind == "result" or output in jobs(workflow)[other]["outputs"]
    for step, output in re.findall(r"steps\.(\w+)\.outputs\.(\w+)", text):
        (found,) = (each for each in job["steps"] if each.get("id") == step)
        assert output in ("services", "matrix")
        assert "scripts/changed-services" in found["run"]


@pytest.mark.parametrize(("workflow", "name"), JOBS)
def test_nothing_from_outside_becomes_part_of_a_command(workflow: str, name: str) -> None:
    """An expression in ``run`` is pasted before the shell reads it; a variable is not."""
    for step in steps(workflow, name):
        assert "${{" not in step.get("run", "")


def test_pull_requests_from_forks_stay_outside() -> None:
    guard = "github.event.pull_request.head.repo.full_name == github.repository"
    for job in jobs("preview").values():
        assert guard in job.get("if", "") or "needs.changes" in job["if"]


def test_every_script_is_run_by_a_workflow_or_another_script() -> None:
    callers = [step.get("run", "") for w, j in JOBS for step in steps(w, j)]
    callers += [path.read_text() for path in (FOLDER / "scripts").iterdir()]
    for script in SCRIPTS:
        path = FOLDER / "scripts" / script
        assert path.stat().st_mode & stat.S_IXUSR
        assert path.read_text().startswith("#!/usr/bin/env bash\n")
        called = re.compile(rf'(scripts|"\)|\)")/{script}\b')
        assert any(called.search(text) for text in callers), script


@pytest.fixture
def comments(programs: Path, tmp_path: Path) -> Path:
    """A ``gh`` that records its arguments, and knows no release."""
    said = tmp_path / "comment"
    gh = programs / "gh"
    gh.write_text(f'#!/bin/sh\n[ "$1" = run ] && exit\nprintf "%s\\n" "$@" >{said}\ncat >>{said}\n')
    gh.chmod(0o755)
    return said


def changed(runner: Runner, *services: str) -> tuple[str, str]:
    """Two commits, between which these services differ."""
    before = runner.run("git", "rev-parse", "HEAD").stdout.strip()
    for service in services:
        (runner.folder / "services" / service / "main.py").write_text(before)
    (runner.folder / "README.md").write_text(before)
    return before, commit(runner, "Better")


def test_a_pull_request_has_a_lane_of_what_it_changes(
    runner: Runner, objects: Objects, comments: Path
) -> None:
    base, head = changed(runner, "web", "cart")
    values = {
        **PULL_REQUEST,
        "github.event.pull_request.base.sha": base,
        "github.event.pull_request.head.sha": head,
    }
    found = runner.job("preview", "changes", values)
    assert found == {"services": "cart web", "matrix": '["cart","web"]'}

    values["needs.changes.outputs.services"] = found["services"]
    runner.job("preview", "up", values)
    lane = objects.one("Lane", "pr-7")
    assert problems(lane) == []
    assert lane["spec"]["services"] == ["shop/cart", "shop/web"]
    assert lane["metadata"]["annotations"] == {"expires": "2026-06-08T12:00:00Z"}
    assert objects.names("Deployment") == ["cart", "cart-pr-7", "stock", "web", "web-pr-7"]
    deployment = objects.one("Deployment", "cart-pr-7")
    assert problems(deployment) == []
    template = deployment["spec"]["template"]
    assert template["metadata"]["labels"] == {"app": "cart", "version": "pr-7"}
    (container,) = template["spec"]["containers"]
    assert container["image"] == f"ghcr.io/example/shop/cart:{head}"
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert lane["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    said = comments.read_text()
    assert said.startswith("pr\ncomment\n7\n--edit-last\n--create-if-none\n")
    assert "curl --header 'x-lane: pr-7' http://shop.example.com/" in said

    runner.job("preview", "down", values)
    assert objects.names("Lane") == ["main"]
    assert objects.names("Deployment") == ["cart", "stock", "web"]
    runner.job("preview", "down", values)


def test_a_pull_request_that_changes_less_keeps_less(
    runner: Runner, objects: Objects, comments: Path
) -> None:
    values = dict(PULL_REQUEST)
    for services, deployments in (
        ("cart web", ["cart-pr-7", "web-pr-7"]),
        ("cart", ["cart-pr-7"]),
        ("", []),
    ):
        values["needs.changes.outputs.services"] = services
        if services:
            runner.job("preview", "up", values)
        else:
            runner.run("scripts/lane-up", "pr-7", "c0ffee", environment={"REGISTRY": "r"})
        others = set(objects.names("Deployment")) - {"cart", "stock", "web"}
        assert sorted(others) == deployments
    assert objects.names("Lane") == ["main"]


class Gateway(BaseHTTPRequestHandler):
    """Answers as the lane, which tests break."""

    asked: list[tuple[str, str | None]]
    broken: set[str | None]

    def do_GET(self) -> None:
        lane = self.headers["x-lane"]
        self.asked.append((self.path, lane))
        self.send_response(404 if lane in self.broken else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway(runner: Runner) -> Iterator[type[Gateway]]:
    """Stands where ``shop.example.com`` would: curl is sent there by its proxy setting."""
    handler = type("Handler", (Gateway,), {"asked": [], "broken": set()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        runner.environment["http_proxy"] = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        thread.join()


def release(runner: Runner, number: int, *services: str) -> None:
    _, head = changed(runner, *services)
    values = {
        "github.run_number": str(number),
        "github.sha": head,
        "github.repository": "example/shop",
        "needs.changes.outputs.services": " ".join(services),
        "secrets.KUBECONFIG": "x",
    }
    runner.job("release", "promote", values)


def test_releases_become_the_baseline_and_can_be_taken_back(
    runner: Runner, objects: Objects, gateway: type[Gateway]
) -> None:
    def baselines() -> Any:
        return objects.one("LaneGroup", "shop")["spec"].get("serviceBaselines")

    release(runner, 1, "cart")
    assert gateway.asked == [("http://shop.example.com/", "r-1")]
    assert baselines() == {"shop/cart": "r-1"}
    release(runner, 2, "cart", "web")
    assert baselines() == {"shop/cart": "r-2", "shop/web": "r-2"}
    assert objects.names("Lane") == ["main", "r-1", "r-2"]
    assert objects.one("Deployment", "cart-r-2")["spec"]["replicas"] == 2
    assert problems(objects.one("LaneGroup", "shop")) == []

    runner.job("rollback", "rollback", {"secrets.KUBECONFIG": "x"})
    assert baselines() == {"shop/cart": "r-1"}
    again = runner.run("scripts/rollback", check=False)
    assert "no promotion to take back" in again.stderr
    assert again.returncode == 1

    release(runner, 3, "cart")
    assert baselines() == {"shop/cart": "r-3"}
    # r-2 serves nobody, and no rollback would come to it; to r-1 one would.
    assert objects.names("Lane") == ["main", "r-1", "r-3"]
    assert objects.names("Deployment") == ["cart", "cart-r-1", "cart-r-3", "stock", "web"]


def test_a_release_that_does_not_answer_is_not_promoted(
    runner: Runner, objects: Objects, gateway: type[Gateway]
) -> None:
    gateway.broken.add("r-1")
    runner.environment["RETRIES"] = "0"
    with pytest.raises(AssertionError, match="404"):
        release(runner, 1, "cart")
    assert "serviceBaselines" not in objects.one("LaneGroup", "shop")["spec"]


def test_a_release_compares_with_the_last_that_went_through(runner: Runner, programs: Path) -> None:
    first = runner.run("git", "rev-parse", "HEAD").stdout.strip()
    _, second = changed(runner, "web")
    _, third = changed(runner, "cart")
    gh = programs / "gh"
    values = {**PULL_REQUEST, "github.sha": third, "github.run_number": "3"}
    for last, services in ((first, "cart web"), (second, "cart"), (third, "")):
        gh.write_text(f"#!/bin/sh\necho {last}\n")
        gh.chmod(0o755)
        found = runner.job("release", "changes", values)
        assert found["services"] == services
    gh.write_text("#!/bin/sh\n")
    assert runner.run("scripts/last-release").stdout.strip() == first
    assert found["matrix"] == "[]"


def test_a_service_that_is_removed_is_in_no_lane(runner: Runner) -> None:
    before = runner.run("git", "rev-parse", "HEAD").stdout.strip()
    runner.run("git", "rm", "-r", "--quiet", "services/stock")
    after = commit(runner, "Without stock")
    done = runner.run("scripts/changed-services", before, after)
    assert done.stdout == "services=\nmatrix=[]\n"


def test_previews_expire_and_nothing_else_does(runner: Runner, objects: Objects) -> None:
    for lane, lifetime, kind in (
        ("pr-1", "1 hour", "preview"),
        ("pr-2", "3 days", "preview"),
        ("pr-3", "1 hour", "preview"),
        ("r-1", "1 hour", "release"),
    ):
        environment = {"LIFETIME": lifetime, "KIND": kind, "REGISTRY": "r"}
        runner.run("scripts/lane-up", lane, "c0ffee", "cart", environment=environment)
    group = objects.one("LaneGroup", "shop")
    patch = '{"spec": {"serviceBaselines": {"shop/cart": "pr-1"}}}'
    runner.run(
        "kubectl", "patch", "lanegroup", group["metadata"]["name"], "--type=merge", "--patch", patch
    )
    runner.environment["NOW"] = "2026-06-02T12:00:00Z"
    done = runner.run("scripts/lanes-expire", check=False)
    assert done.returncode == 1
    assert "pr-1 is a baseline of group shop: promote another lane first" in done.stderr
    assert objects.names("Lane") == ["main", "pr-1", "pr-2", "r-1"]
    runner.environment["NOW"] = NOW
    runner.job("expire", "expire", {"secrets.KUBECONFIG": "x"})
    assert objects.names("Lane") == ["main", "pr-1", "pr-2", "r-1"]


def test_a_lane_that_does_not_get_ready_fails_the_job(runner: Runner) -> None:
    for what in ("deployment/cart-pr-7", "lane/pr-7"):
        done = runner.run(
            *("scripts/lane-up", "pr-7", "c0ffee", "cart"),
            check=False,
            environment={"REGISTRY": "r", "KUBECTL_NOT_READY": what},
        )
        assert done.returncode == 1
        assert f"timed out waiting for the condition on {what}" in done.stderr


def test_the_cluster_s_credentials_are_nobody_else_s(runner: Runner) -> None:
    runner.job("preview", "down", PULL_REQUEST)
    config = runner.path.parent / "kubeconfig"
    assert config.read_text() == f"{PULL_REQUEST['secrets.KUBECONFIG']}\n"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    exported = (runner.path.parent / "exported").read_text()
    assert exported == f"KUBECONFIG={config}\n"
