"""What the console in a cluster passes on to the API server, and what it refuses."""

from __future__ import annotations

import pytest

from laneway.apiserver.console_requests import callers_token, passed_request
from laneway.apiserver.failures import Failure

OBJECTS = "/apis/laneway.dev/v1alpha1"
OWN = "/apis/api.laneway.dev/v1alpha1"
JSON = "application/json"
MERGE, STEPS = "application/merge-patch+json", "application/json-patch+json"
WRITING = [("fieldManager", "laneway-console"), ("fieldValidation", "Strict")]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", f"{OBJECTS}/lanegroups", JSON),
        ("POST", f"{OBJECTS}/lanes", JSON),
        ("PUT", f"{OBJECTS}/lanes/s2", JSON),
        ("PATCH", f"{OBJECTS}/lanes/pr-7.shop", MERGE),
        ("PATCH", f"{OBJECTS}/lanegroups/shop", STEPS),
        ("DELETE", f"{OBJECTS}/lanes/s2", ""),
        ("POST", f"{OWN}/previews", JSON),
        ("POST", f"{OWN}/changesets", JSON),
        ("POST", f"{OWN}/explanations", JSON),
        ("POST", f"{OWN}/analyses", JSON),
        ("POST", f"{OWN}/renderings", JSON),
    ],
)
def test_what_the_console_does_is_passed_on(method: str, path: str, kind: str) -> None:
    passed = passed_request(method, path, WRITING, kind)
    query = "?fieldManager=laneway-console&fieldValidation=Strict"
    assert (passed.method, passed.target, passed.content_type) == (method, path + query, kind)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1/secrets",
        "/api/v1/namespaces/kube-system/secrets/x",
        "/api/v1/nodes/n/proxy/run",
        "/api/v1/services",
        "/apis",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/version",
        "/metrics",
        "/openapi/v2",
        f"{OWN}/tokens",
        f"{OWN}/previews/x",
        f"{OWN}/requesttrials",
        f"{OWN}/signinlinks",
        f"{OBJECTS}/lanes/s2/status",
        f"{OBJECTS}/lanes/s2/scale",
        f"{OBJECTS}/namespaces/x/lanes/s2",
        f"{OBJECTS}/lanes/",
        f"{OBJECTS}//lanes",
        f"/{OBJECTS}/lanes",
        f"{OBJECTS}/lanes/s2/",
        f"{OBJECTS}/lanes/..",
        f"{OBJECTS}/lanes/.",
        f"{OBJECTS}/lanes/../../../../api/v1/secrets",
        f"{OBJECTS}/lanes/a..b",
        f"{OBJECTS}/lanes/%2e%2e",
        f"{OBJECTS}/lanes/s2%2Fstatus",
        f"{OBJECTS}/lanes/s2%2fstatus",
        f"{OBJECTS}/lanes/..%2f..",
        f"{OBJECTS}/lanes/s2;x",
        f"{OBJECTS}/lanes/s2?x",
        f"{OBJECTS}/lanes/s2#x",
        f"{OBJECTS}/lanes/s2\\x",
        f"{OBJECTS}/lanes/s2\n",
        f"{OBJECTS}/lanes/s2 HTTP/1.1",
        f"{OBJECTS}/lanes/S2",
        f"{OBJECTS}/lanes/\u00fc",
        f"{OBJECTS}/lanes/{'a' * 64}",
        f"{OBJECTS}/lanes/" + ".".join(["a"] * 200),
        f"{OBJECTS.replace('laneway.dev', 'lanewayxdev')}/lanes",
        f"{OBJECTS.replace('v1alpha1', 'v1')}/lanes",
        f"http://10.0.0.1{OBJECTS}/lanes",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_no_other_path_is(method: str, path: str) -> None:
    with pytest.raises(Failure) as refused:
        passed_request(method, path, [], JSON)
    assert refused.value.code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"{OBJECTS}/lanes{name}") for name in ("", "/s2")),
        *((method, f"{OBJECTS}/lanes") for method in ("PUT", "PATCH", "DELETE", "CONNECT", "post")),
        *((method, f"{OBJECTS}/lanes/s2") for method in ("POST", "OPTIONS", "TRACE", "HEAD")),
        *((method, f"{OWN}/previews") for method in ("GET", "PUT", "PATCH", "DELETE")),
    ],
)
def test_no_other_method_is(method: str, path: str) -> None:
    with pytest.raises(Failure) as refused:
        passed_request(method, path, [], JSON)
    assert refused.value.code == 405


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("POST", ""),
        ("POST", "text/plain"),
        ("POST", "application/x-www-form-urlencoded"),
        ("POST", "application/yaml"),
        ("POST", "application/vnd.kubernetes.protobuf"),
    ],
)
def test_only_json_is_created(method: str, kind: str) -> None:
    with pytest.raises(Failure) as refused:
        passed_request(method, f"{OBJECTS}/lanes", [], kind)
    assert refused.value.code == 415


@pytest.mark.parametrize("kind", ["application/apply-patch+yaml", JSON, "", "text/plain"])
def test_only_json_patches_are_passed_on(kind: str) -> None:
    with pytest.raises(Failure) as refused:
        passed_request("PATCH", f"{OBJECTS}/lanes/s2", [], kind)
    assert refused.value.code == 415


@pytest.mark.parametrize(
    "query",
    [
        [("fieldManager", "kubectl")],
        [("fieldManager", "laneway-console&force=true")],
        [("fieldValidation", "Ignore")],
        [("dryRun", "")],
        [("dryRun", "All"), ("dryRun", "All")],
        [("force", "true")],
        [("watch", "true")],
        [("as", "admin")],
        [("pretty", "1")],
        [("", "")],
    ],
)
def test_only_the_consoles_own_parameters_are_passed_on(query: list[tuple[str, str]]) -> None:
    with pytest.raises(Failure) as refused:
        passed_request("PUT", f"{OBJECTS}/lanes/s2", query, JSON)
    assert refused.value.code == 400


@pytest.mark.parametrize("value", ["Bearer abc.d-e_f~g+h/i==", "bearer abc.d-e_f~g+h/i=="])
def test_the_callers_token_is_taken_from_its_header(value: str) -> None:
    headers = [("host", "x"), ("authorization", value), ("cookie", "token=other")]
    assert callers_token(headers) == "abc.d-e_f~g+h/i=="


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        ["Bearer =="],
        ["Bearer a b"],
        ["Bearer a,b"],
        ["Bearer a\r\nImpersonate-User: admin"],
        ["Bearer \u00e9"],
        ["Basic YWRtaW46YWRtaW4="],
        ["Negotiate abc"],
        ["abc"],
        ["Bearer abc", "Bearer abc"],
        ["Bearer " + "a" * (16 * 1024 + 1)],
    ],
)
def test_without_a_token_there_is_nobody_to_ask_for(values: list[str]) -> None:
    with pytest.raises(Failure) as refused:
        callers_token([("authorization", value) for value in values])
    assert refused.value.code == 401


@pytest.mark.parametrize(
    "name", ["impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-scopes"]
)
def test_nobody_is_impersonated(name: str) -> None:
    with pytest.raises(Failure) as refused:
        callers_token([("authorization", "Bearer abc"), (name, "system:masters")])
    assert refused.value.code == 403
