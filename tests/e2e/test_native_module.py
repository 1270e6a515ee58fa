"""The native lane filter in a mesh: that it runs, what a hot restart leaves, and its substitute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.clients import Call, fetch
from tests.e2e.conftest import Run
from tests.e2e.scenarios import EXPECTED, SCENARIOS, gateway_url

from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.native_modules import refusal
from laneway.control import events
from laneway.filter import native_module_path
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Embedded

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

SCENARIO = SCENARIOS[0]
SIDECAR = "sidecar~mocka-v2.default"
MOCKA = ObjectName("default", "mocka-v2")


@pytest.fixture(scope="module")
def other_envoy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Envoy that calls one of the module's hooks by another name."""
    path = tmp_path_factory.mktemp("other") / "envoy"
    program = find_envoy().path.read_bytes()
    hook = b"\0envoy_dynamic_module_on_early_header_mutation_mutate\0"
    assert program.count(hook) == 1
    path.write_bytes(program.replace(hook, hook[:-2] + b"X\0"))
    path.chmod(0o700)
    return path


def has_native_module(embedded: Embedded, node: str) -> bool:
    maps = Path(f"/proc/{embedded.proxy_pid(node)}/maps").read_text()
    return str(native_module_path()) in maps


async def onward(embedded: Embedded, trace: str) -> str:
    """What the sidecar's application gets when it calls mockb with that trace id."""
    sidecar = embedded.control_plane.placements.sidecars[MOCKA]
    call = Call("http://mockb:8000/", {"my-request-id": trace})
    status, _, body = await fetch(f"http://{sidecar.outbound}", call)
    assert status == 200
    return f"-> mocka(version: v2, ip: 127.0.0.1){body}"


async def test_the_pinned_envoy_runs_it_and_keeps_what_it_remembers(run: Run) -> None:
    told: list[events.Event] = []
    async with run(SCENARIO.mesh, told.append) as embedded:
        assert has_native_module(embedded, SIDECAR)
        call = SCENARIO.call("s2", 1)
        trace = call.headers["my-request-id"]
        assert (await fetch(gateway_url(embedded), call))[2] == EXPECTED["s2"]
        assert await onward(embedded, trace) == EXPECTED["s2"]
        for _ in range(2):
            await embedded.restart_proxy(SIDECAR)
            assert await onward(embedded, trace) == EXPECTED["s2"]
        # It is a lane that an id names, and not the sidecar: an unknown one is the baseline's.
        assert await onward(embedded, "unknown") != EXPECTED["s2"]
    assert not [event for event in told if isinstance(event, events.NativeModuleRefused)]


async def test_another_envoy_runs_webassembly_and_says_so_once(run: Run, other_envoy: Path) -> None:
    told: list[events.Event] = []
    async with run(SCENARIO.mesh, told.append, envoy=other_envoy) as embedded:
        assert not has_native_module(embedded, SIDECAR)
        for lane, expected in EXPECTED.items():
            assert (await fetch(gateway_url(embedded), SCENARIO.call(lane, 1)))[2] == expected
    (refused,) = (event for event in told if isinstance(event, events.NativeModuleRefused))
    report = events.report(refused)
    assert report.startswith(f"Envoy {other_envoy} does not take the native lane filter")
    assert "WebAssembly" in report
    assert "envoy_dynamic_module_on_early_header_mutation_mutatX" in report


def test_what_an_envoy_says_to_a_module_that_is_none(tmp_path: Path) -> None:
    module = tmp_path / "module.so"
    module.write_bytes(b"no module")
    assert "Failed to load dynamic module" in refusal(find_envoy(), module)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # Envoy itself only warns of that, and goes on.
        (b"v0.2.0", b"v0.9.0", "ABI version v0.9.0 is deprecated"),
        (b"_access_logger_log\0", b"_access_logger_lo_\0", "_access_logger_log"),
    ],
)
def test_a_module_for_another_envoy_is_refused(
    before: bytes, after: bytes, said: str, tmp_path: Path
) -> None:
    source = native_module_path()
    assert source is not None
    bytes_ = source.read_bytes()
    assert before in bytes_
    module = tmp_path / "module.so"
    module.write_bytes(bytes_.replace(before, after))
    assert said in refusal(find_envoy(), module)
