"""Which laneway a command asks, and what it says where it can ask none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.faces.cli.asked_servers import without_rights

from laneway.adapters.host.running_servers import RunningServer, registered
from laneway.faces.cli.server_requests import LocalServer, ServerError, find_server, request


def server(folder: Path, process: int) -> RunningServer:
    return RunningServer("serve", folder, folder / "data/api.sock", process)


def test_the_one_that_runs_is_asked_and_of_several_none(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    one, other = server(tmp_path / "one", 1), server(tmp_path / "other", 2)
    with registered(one, environment):
        assert find_server(environment=environment) == LocalServer(one.socket)
        with registered(other, environment):
            with pytest.raises(ServerError) as error:
                find_server(environment=environment)
            for each in (one, other):
                assert f"--data-dir {each.socket.parent}  laneway serve in" in str(error.value)
            named = find_server(tmp_path / "x", environment=environment)
            assert named == LocalServer(tmp_path / "x/api.sock")


@pytest.mark.parametrize("there", [True, False], ids=["a dead socket", "none"])
def test_what_does_not_answer_is_named(tmp_path: Path, there: bool) -> None:
    data = tmp_path / ("long" * 40)  # longer than the path of a socket may be
    data.mkdir()
    if there:
        (data / "api.sock").touch()
    with pytest.raises(ServerError, match="start one with `laneway serve --data-dir"):
        request(data, "GET", "/version")


def test_a_token_is_not_sent_without_tls(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
        "clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "users: [{name: a, user: {token: lw_secret}}]\n"
    )
    remote = find_server(context="a", environment={"KUBECONFIG": str(config)})
    with pytest.raises(ServerError, match="a token is sent over https alone"):
        request(remote, "GET", "/version")


@pytest.mark.parametrize(
    ("groups", "code"), [(["laneway.dev"], 404), (["laneway.dev", "api.laneway.dev"], 403)]
)
async def test_what_a_cluster_does_not_serve_is_not_what_a_user_may_not_see(
    tmp_path: Path, groups: list[str], code: int
) -> None:
    path = "/apis/api.laneway.dev/v1alpha1/proxies"
    async with without_rights(tmp_path, *groups):
        with pytest.raises(ServerError) as error:
            await asyncio.to_thread(request, tmp_path, "GET", path)
        assert error.value.code == code
        with pytest.raises(ServerError, match=r"you may not see /apis/laneway\.dev/"):
            await asyncio.to_thread(request, tmp_path, "GET", "/apis/laneway.dev/v1alpha1/lanes")
