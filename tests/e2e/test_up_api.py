"""``laneway up`` answers the API: what files declare is shown there, and files own it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.scenarios import EXAMPLES, EXPECTED
from tests.e2e.test_watching import Watched

from laneway.faces.cli.server_requests import ServerError, find_server, request
from laneway.wiring.console_paths import console_folder

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

LANES = "/apis/laneway.dev/v1alpha1/lanes"
LANEWAY = Path(sys.executable).with_name("laneway")
MERGE = "application/merge-patch+json"


@dataclass
class Up(Watched):
    """``environment`` is that of the commands that ask it, too."""

    environment: dict[str, str] | None = None
    link: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        assert self.environment is not None
        server = find_server(
            options.pop("data", None), options.pop("context", None), self.environment
        )
        return await asyncio.to_thread(request, server, method, path, body, **options)

    async def refused(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> ServerError:
        with pytest.raises(ServerError) as error:
            await self.ask(method, path, body, **options)
        return error.value

    async def command(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            str(LANEWAY), *words, stdout=asyncio.subprocess.PIPE, env=self.environment
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()

    async def outcome(self, *words: str) -> tuple[int | None, str, str]:
        """Exit code, standard output and standard error of a command that may fail."""
        process = await asyncio.create_subprocess_exec(
            str(LANEWAY),
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    async def until_ready(self, name: str) -> None:
        await until(lambda: self.ask("GET", f"{LANES}/{name}"), _is_ready)


async def until(ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
    """What is answered, once it is as wanted."""
    for _ in range(600):
        if wanted(found := await ask()):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


def _is_ready(found: dict[str, Any]) -> bool:
    conditions = found.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[Up]:
    mesh = folder / "mesh"
    shutil.copytree(EXAMPLES / "scenario-2", mesh)
    lanes = mesh / "lanes.yaml"
    lanes.write_text(lanes.read_text().replace("80=18001", "80=0"))
    environment = {**os.environ, "XDG_STATE_HOME": str(folder), "COLUMNS": "300"}
    environment.pop("XDG_RUNTIME_DIR", None)
    process = await asyncio.create_subprocess_exec(
        *(str(LANEWAY), "up", "-f", str(mesh), "--watch", "--api-listen", "127.0.0.1:0"),
        *(() if console_folder() is None else ("--console", "127.0.0.1:0")),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    started = Up(mesh, process, environment=environment)
    try:
        started.url = (await started.line("http://127.0.0.1")).split()[2]
        if console_folder() is not None:
            started.link = (await started.line("Console ")).split()[1]
        await started.line("Watching")
        yield started
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_files_own_what_they_declare_and_the_api_shows_it(tmp_path: Path) -> None:
    async with up(tmp_path) as mesh:
        names = [each["metadata"]["name"] for each in (await mesh.ask("GET", LANES))["items"]]
        assert names == ["s1", "s2", "s3"]
        await mesh.until_ready("s2")
        before = await mesh.ask("GET", f"{LANES}/s2")
        moved = {"spec": {"selector": {"ASM_TRAFFIC_TAG": "v3"}}}
        refusals = [
            await mesh.refused("PATCH", f"{LANES}/s2{query}", moved, content_type=MERGE)
            for query in ("", "?dryRun=All", "?fieldManager=files", "?fieldManager=laneway")
        ]
        refusals.append(await mesh.refused("DELETE", f"{LANES}/s2"))
        refusals.append(await mesh.refused("DELETE", LANES))
        for refusal in refusals:
            assert refusal.code == 409
            assert f"is declared by files ({mesh.folder}/lanes.yaml:" in str(refusal)
            assert str(refusal).endswith("): change it there, or take it over by `force`")
        code, printed, said = await mesh.outcome("promote", "s2")
        assert (code, f"declared by files ({mesh.folder}/lanes.yaml:" in said) == (1, True)
        assert yaml.safe_load(printed) == {
            "spec": {"serviceBaselines": {"mocka": "s2", "mockc": "s2"}}
        }
        assert await mesh.ask("GET", f"{LANES}/s2") == before
        mesh.rewrite("ASM_TRAFFIC_TAG: v2", "ASM_TRAFFIC_TAG: v3")
        await mesh.line("applied:")
        after = await until(
            lambda: mesh.ask("GET", f"{LANES}/s2"),
            lambda found: found["spec"]["selector"] == {"ASM_TRAFFIC_TAG": "v3"},
        )
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
        await check_force(mesh)


async def check_force(mesh: Up) -> None:
    """What is taken over by force stays so, until the files say the same; they say v3."""
    lane = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "spec": {"group": "test", "selector": {"ASM_TRAFFIC_TAG": "v2"}},
    }
    apply, path = "application/apply-patch+yaml", f"{LANES}/s2?fieldManager=jack"
    refusal = await mesh.refused("PATCH", path, lane, content_type=apply)
    assert refusal.code == 409
    assert "files" in str(refusal)
    for method, content_type in (("PATCH", MERGE), ("DELETE", None)):
        more = {"content_type": content_type} if content_type else {}
        refusal = await mesh.refused(method, f"{path}&force=true", {"spec": {}}, **more)
        assert refusal.code in (409, 422)
    await mesh.ask("PATCH", f"{path}&force=true", lane, content_type=apply)
    await until(lambda: mesh.body("s2"), lambda found: found == EXPECTED["s2"])
    text = (mesh.folder / "lanes.yaml").read_text()
    (mesh.folder / "lanes.yaml").write_text(text + "# saved again\n")
    assert "Lane test/s2 is declared by store" in await mesh.line("conflict:")
    assert await mesh.body("s2") == EXPECTED["s2"]
    head, tail = text.split("name: s2\n")
    theirs = tail.replace("ASM_TRAFFIC_TAG: v3", "ASM_TRAFFIC_TAG: v2", 1)
    (mesh.folder / "lanes.yaml").write_text(f"{head}name: s2\n{theirs}")
    await mesh.line("unchanged:")
    refusal = await mesh.refused("PATCH", path, {"spec": {"weight": 1}}, content_type=MERGE)
    assert "is declared by files" in str(refusal)


async def test_what_others_declare_through_the_api_runs_beside_it(tmp_path: Path) -> None:
    async with up(tmp_path) as mesh:
        s2 = await mesh.ask("GET", f"{LANES}/s2")
        s4 = {**s2, "metadata": {"name": "s4"}}
        await mesh.ask("POST", f"{LANES}?fieldManager=laneway", s4)
        await mesh.until_ready("s4")
        assert await mesh.body("s4") == EXPECTED["s2"]
        text = (mesh.folder / "lanes.yaml").read_text()
        lane = next(each for each in text.split("---\n") if "name: s2\n" in each)
        (mesh.folder / "more.yaml").write_text(lane.replace("name: s2\n", "name: s4\n"))
        assert "Lane test/s4 is declared by store" in await mesh.line("conflict:")
        (mesh.folder / "more.yaml").unlink()
        await mesh.ask("DELETE", f"{LANES}/s4")
        await until(lambda: mesh.body("s4"), lambda found: found == EXPECTED["s1"])


async def test_commands_find_it_while_it_runs(tmp_path: Path) -> None:
    async with up(tmp_path) as mesh:
        assert mesh.environment is not None
        if console_folder() is not None:
            another = (await mesh.command("console")).strip()
            assert another.split("#")[0] == mesh.link.split("#")[0]
            assert another.startswith("http://127.0.0.1:")
        token = (await mesh.command("token", "create", "ci", "--scope", "view")).strip()
        assert "ci" in await mesh.command("token", "list")
        config = tmp_path / "kubeconfig"
        config.write_text(await mesh.command("kubeconfig", "--name", "jack"))
        mesh.environment["KUBECONFIG"] = str(config)
        listed = await mesh.ask("GET", LANES, context="laneway")
        assert [each["metadata"]["name"] for each in listed["items"]] == ["s1", "s2", "s3"]
        await mesh.command("token", "revoke", token.split("_")[1], "--context", "laneway")
        assert "ci" not in await mesh.command("token", "list")
        config.write_text(config.read_text().replace("token: lw_", "token: lw_x"))
        assert (await mesh.refused("GET", LANES, context="laneway")).code == 401
        with pytest.raises(ServerError, match="has no context `nowhere`"):
            await mesh.ask("GET", LANES, context="nowhere")
        mesh.process.send_signal(signal.SIGKILL)
        await mesh.process.wait()
        with pytest.raises(ServerError, match="no laneway of yours runs on this machine"):
            find_server(environment=mesh.environment)
