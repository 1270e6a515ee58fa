"""The chart with ``api.laneway.dev``: the API server finds it, and only what is used is granted."""

from __future__ import annotations

from typing import Any

import pytest
from deploy.charts import NAMESPACE, documents, render
from tests.deploy.test_charts import Document, container, grants, needed, only

from laneway.adapters.kube.resources import (
    ACCESS_REVIEWS,
    API_SERVICES,
    CHANGED,
    CONFIG_MAPS,
    PREVIEWED,
    SECRETS,
)
from laneway.apiserver.virtual_resources import CHANGE_SET, IN_CLUSTERS
from laneway.faces.operator.app import operator
from laneway.wiring.aggregated_api import CONFIGURATION
from laneway.wiring.made_certificates import API_SERVICE, SECRET, SERVICE

ON: Document = {"enabled": True}
GIVEN: Document = {"enabled": True, "secretName": "own", "caBundle": "Q0E="}


def named(kind: str, name: str, api: Document = ON) -> Document:
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents({"api": api})}
    return found[kind, name]


def test_it_is_off_by_default() -> None:
    assert "api.laneway.dev" not in render()
    assert "--api" not in container()["args"]


@pytest.mark.parametrize("api", [ON, GIVEN])
def test_it_changes_nothing_else(api: Document) -> None:
    without = {(d["kind"], d["metadata"]["name"]): d for d in documents()}
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents({"api": api})}
    changed = {key for key in without if found[key] != without[key]}
    assert changed == {("Deployment", "laneway")}
    assert all("api" in name for _, name in found.keys() - without.keys())


def test_the_api_server_finds_it() -> None:
    registered = named("APIService", API_SERVICE)["spec"]
    assert f"{registered['version']}.{registered['group']}" == API_SERVICE
    target = registered["service"]
    assert (target["name"], target["namespace"]) == (SERVICE, NAMESPACE)
    service = named("Service", target["name"])
    (port,) = service["spec"]["ports"]
    assert port["port"] == target["port"]
    ports = {p["name"]: p["containerPort"] for p in container(api=ON)["ports"]}
    arguments = dict(a[2:].partition("=")[::2] for a in container(api=ON)["args"])
    assert ports[port["targetPort"]] == int(arguments["api-port"])
    pod = only("Deployment", api=ON)["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize("api", [ON, GIVEN])
def test_the_arguments_are_ones_that_the_operator_has(api: Document) -> None:
    taken = set(operator.__annotations__) - {"return"}
    given = {argument[2:].partition("=")[0] for argument in container(api=api)["args"]}
    assert {name.replace("-", "_") for name in given} <= taken


def test_the_operator_is_granted_what_it_uses_and_no_more() -> None:
    role = named("ClusterRole", "laneway-api")
    assert grants(role) == needed((ACCESS_REVIEWS, *CHANGED, *PREVIEWED, API_SERVICES))
    names = {n for rule in role["rules"] for n in rule.get("resourceNames", ())}
    assert names == {API_SERVICE}
    own = named("Role", "laneway-api")
    assert own["metadata"]["namespace"] == NAMESPACE
    assert grants(own) == needed((SECRETS,))
    limited = [rule.get("resourceNames") for rule in own["rules"] if rule["verbs"] != ["create"]]
    assert limited == [[SECRET]]


def test_the_front_proxys_proof_is_read_by_kubernetes_own_role() -> None:
    binding = named("RoleBinding", "laneway-api-authentication")
    assert binding["metadata"]["namespace"] == CONFIGURATION[0]
    assert binding["roleRef"]["name"] == f"{CONFIGURATION[1]}-reader"
    assert CONFIG_MAPS.verbs == ("get",)


def test_with_a_certificate_of_ones_own_the_operator_makes_none() -> None:
    assert grants(named("ClusterRole", "laneway-api", GIVEN)) == needed(
        (ACCESS_REVIEWS, *CHANGED, *PREVIEWED)
    )
    kinds = [(d["kind"], d["metadata"]["name"]) for d in documents({"api": GIVEN})]
    assert ("Role", "laneway-api") not in kinds
    assert named("APIService", API_SERVICE, GIVEN)["spec"]["caBundle"] == "Q0E="
    (mount,) = container(api=GIVEN)["volumeMounts"]
    assert f"--api-certificates={mount['mountPath']}" in container(api=GIVEN)["args"]
    (volume,) = only("Deployment", api=GIVEN)["spec"]["template"]["spec"]["volumes"]
    assert (volume["name"], volume["secret"]["secretName"]) == (mount["name"], "own")
    both: dict[str, Any] = {"api": GIVEN, "webhook": {"enabled": True}}
    assert [m["name"] for m in container(**both)["volumeMounts"]] == ["webhook", "api"]


def test_users_get_what_is_served() -> None:
    served = {(each.group, each.plural, "create") for each in IN_CLUSTERS}
    assert grants(named("ClusterRole", "laneway-api-edit")) == served
    looking = served - {(CHANGE_SET.group, CHANGE_SET.plural, "create")}
    assert grants(named("ClusterRole", "laneway-api-view")) == looking
