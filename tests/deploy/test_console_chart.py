"""The chart with the console: off by default, and without any right for the operator."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import jsonschema
import pytest
import yaml
from deploy.charts import CHART, documents, render
from tests.deploy.test_charts import Document, container, grants, only

from laneway.adapters.http.callers_events import RESOURCES
from laneway.adapters.http.callers_identity import EDITED, EDITS
from laneway.apiserver.virtual_resources import CHANGE_SET, IN_CLUSTERS
from laneway.faces.operator.app import operator
from laneway.faces.operator.console import console_address, console_names
from laneway.wiring.console_paths import console_folder

ON: Document = {"enabled": True}
NAMED: Document = {"enabled": True, "host": "lanes.example.com", "secretName": "own"}
READ = ("get", "list", "watch")


def by_name(console: Document) -> dict[tuple[str, str], Document]:
    return {(d["kind"], d["metadata"]["name"]): d for d in documents({"console": console})}


def arguments(console: Document) -> dict[str, str]:
    given = container(console=console)["args"]
    return {name: value for name, _, value in (each[2:].partition("=") for each in given)}


def test_it_is_off_by_default() -> None:
    assert "--console" not in render()
    assert "laneway-console" not in render()


@pytest.mark.parametrize("console", [ON, NAMED])
def test_the_operator_gets_no_right_by_it(console: Document) -> None:
    without = {(d["kind"], d["metadata"]["name"]): d for d in documents()}
    found = by_name(console)
    assert {key for key in without if found[key] != without[key]} == {("Deployment", "laneway")}
    added = {kind for kind, _ in found.keys() - without.keys()}
    assert added <= {"Service", "ClusterRole"}, "nothing is bound to anybody"


def test_without_a_name_it_is_on_the_pods_loopback_alone() -> None:
    given = arguments(ON)
    assert given["console"].startswith("127.0.0.1:")
    assert console_address(given["console"], None) is not None
    assert not {"console-certificates", "console-name"} & given.keys()
    assert ("Service", "laneway-console") not in by_name(ON)
    assert "console" not in {port["name"] for port in container(console=ON)["ports"]}
    assert "volumeMounts" not in container(console=ON)


def test_with_a_name_it_has_tls_and_a_service() -> None:
    given = arguments(NAMED)
    assert given["console"].startswith("0.0.0.0:")
    assert console_names([given["console-name"]]) == (NAMED["host"],)
    (mount,) = container(console=NAMED)["volumeMounts"]
    assert (mount["mountPath"], mount["readOnly"]) == (given["console-certificates"], True)
    pod = only("Deployment", console=NAMED)["spec"]["template"]
    (volume,) = pod["spec"]["volumes"]
    assert (volume["name"], volume["secret"]["secretName"]) == (mount["name"], "own")
    (port,) = by_name(NAMED)["Service", "laneway-console"]["spec"]["ports"]
    ports = {each["name"]: each["containerPort"] for each in container(console=NAMED)["ports"]}
    assert ports[port["targetPort"]] == int(given["console"].rpartition(":")[2])
    selector = by_name(NAMED)["Service", "laneway-console"]["spec"]["selector"]
    assert selector.items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("console", [ON, NAMED])
def test_the_arguments_are_ones_that_the_operator_has(console: Document) -> None:
    taken = set(operator.__annotations__) - {"return"}
    assert {name.replace("-", "_") for name in arguments(console)} <= taken


def test_users_get_what_the_console_asks_for_and_no_more() -> None:
    listed = set()
    for resource in RESOURCES.values():
        if resource is not None:
            *_, plural = resource.path.split("/")
            group = resource.api_version.rpartition("/")[0]
            listed |= {(group, plural, verb) for verb in READ}
    asked = {(each.group, each.plural, "create") for each in IN_CLUSTERS}
    change_set = (CHANGE_SET.group, CHANGE_SET.plural, "create")
    edits = {("laneway.dev", plural, verb) for plural in EDITED for verb in EDITS}
    found = by_name(ON)
    assert grants(found["ClusterRole", "laneway-console-view"]) == listed | asked - {change_set}
    assert grants(found["ClusterRole", "laneway-console-edit"]) == listed | asked | edits


def test_the_image_is_not_built_without_the_console() -> None:
    dockerfile = (CHART.parents[1] / "Dockerfile").read_text()
    (check,) = re.findall(r'/venv/bin/python -c "([^"]+)"', dockerfile)
    done = subprocess.run([sys.executable, "-c", check], check=False, timeout=60)
    assert done.returncode == (console_folder() is None)


@pytest.mark.parametrize("host", ["https://x.example.com", "x:443", "*.example.com", "x y"])
def test_a_name_that_is_none_is_refused(host: str) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    values["console"]["host"] = "lanes.example.com"
    jsonschema.validate(values, schema)
    values["console"]["host"] = host
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema)
