from __future__ import annotations

from typing import Any

import pytest
from tests.adapters.runner.event_recorders import workload

from laneway.adapters.runner.environments import command_line, environment, expand, variables
from laneway.adapters.runner.errors import Unstartable
from laneway.model.placements import Address, SidecarPlacement
from laneway.model.workloads import WorkloadPort


def placed(**fields: Any) -> dict[str, str]:
    ports = (WorkloadPort(8000, "http-web"), WorkloadPort(9000))
    given = workload(["app"], ports=ports, **fields)
    application = {8000: Address("127.0.0.1", 21000), 9000: Address("127.0.0.1", 21001)}
    outbound = Address("127.0.0.1", 15001)
    return dict(variables(given, SidecarPlacement(given.name, {}, application, outbound)))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(PORT)", "8080"),
        (":$(PORT)/$(PORT)", ":8080/8080"),
        ("$(ABSENT) stays", "$(ABSENT) stays"),
        ("$$(PORT)", "$(PORT)"),
        ("$$$(PORT)", "$8080"),
        ("$$$$(PORT)", "$$(PORT)"),
        ("a$$b", "a$b"),
        ("$PORT ${PORT} $(PORT", "$PORT ${PORT} $(PORT"),
        ("$($(PORT))", "$(8080)"),
        ("", ""),
    ],
)
def test_references_are_kubernetes_own(text: str, expanded: str) -> None:
    assert expand(text, {"PORT": "8080"}) == expanded


def test_ports_have_variables_by_name_or_number() -> None:
    known = placed()
    assert known["PORT"] == known["PORT_HTTP_WEB"] == "21000"
    assert known["PORT_9000"] == "21001"


def test_the_proxy_is_the_sidecar_in_both_spellings() -> None:
    known = placed()
    assert known["http_proxy"] == known["HTTP_PROXY"] == "http://127.0.0.1:15001"
    assert known["no_proxy"] == known["NO_PROXY"] == "localhost,127.0.0.1,::1"


def test_a_variable_refers_to_those_before_it() -> None:
    known = placed(env={"A": "$(PORT)", "B": "b$(A)", "C": "$(D)", "D": "d"})
    assert (known["A"], known["B"], known["C"]) == ("21000", "b21000", "$(D)")


def test_variables_that_double_one_another_have_a_limit() -> None:
    doubling = {f"V{n}": f"$(V{n - 1})$(V{n - 1})" for n in range(1, 60)}
    with pytest.raises(Unstartable, match=r"env V17: references .* longer than 131,072"):
        placed(env={"V0": "aa", **doubling})


def test_arguments_have_the_same_limit() -> None:
    given = workload(["true", "$(A)" * 3])
    assert command_line(given, {"A": "a" * 40_000}) == ["true", "a" * 120_000]
    with pytest.raises(Unstartable, match=f"workload {given.name}: command: references"):
        command_line(given, {"A": "a" * 50_000})


def test_the_workload_has_the_last_word() -> None:
    assert placed(env={"PORT": "7", "http_proxy": ""})["PORT"] == "7"


def test_proxy_settings_are_not_inherited_and_the_rest_is() -> None:
    names = ["http_proxy", "HTTPS_PROXY", "all_proxy", "No_Proxy", "grpc_proxy", "HTTP_PROXY"]
    parent = dict.fromkeys(names, "http://corporate:3128") | {"HOME": "/home/u", "PATH": "/bin"}
    whole = environment({"http_proxy": "http://127.0.0.1:1"}, parent, "/venv/bin")
    assert whole == {
        "HOME": "/home/u",
        "PATH": "/bin:/venv/bin",
        "http_proxy": "http://127.0.0.1:1",
    }


def test_inherited_variables_are_not_referred_to() -> None:
    assert placed(env={"A": "$(HOME)"})["A"] == "$(HOME)"


def test_without_a_path_the_systems_default_is_there() -> None:
    assert environment({}, {}, "/venv/bin")["PATH"].endswith(":/venv/bin")
    assert environment({"PATH": "/mine"}, {"PATH": "/x"}, "/s")["PATH"] == "/mine:/s"
