"""Breakages of the console in a cluster: as whom it asks, what it passes on, and to whom."""

from __future__ import annotations

from tests.mutation.trials import Breakage

REQUESTS = "tests/apiserver/test_console_requests.py::"
CLIENT = "tests/adapters/kube/test_callers_client.py::"
CONSOLE = "tests/adapters/http/test_cluster_console.py::"
EVENTS = "tests/adapters/http/test_callers_events.py::"
CLUSTER = "tests/wiring/test_cluster_consoles.py::"
OPTIONS = "tests/faces/operator/test_console.py::"
CHART = "tests/deploy/test_console_chart.py::"

CLUSTER_CONSOLE = (
    Breakage(
        "the console shows the API server the operator's client certificate",
        "src/laneway/adapters/kube/callers_client.py",
        old="        self._tls = credentials.unidentified\n",
        new="        self._tls = credentials.tls\n",
        tests=(
            CLIENT + "test_the_callers_token_is_all_that_identifies_anybody",
            CLIENT + "test_a_server_that_proves_nothing_gets_no_token",
        ),
        why="whoever signs in with any token acts as the operator",
    ),
    Breakage(
        "callers' connections are made with the user's certificate of the kubeconfig",
        "src/laneway/adapters/kube/credentials.py",
        old="for each in (user, {}))\n",
        new="for each in (user, user))\n",
        tests=(CLIENT + "test_the_callers_token_is_all_that_identifies_anybody",),
        why="whoever signs in with any token acts as the operator",
    ),
    Breakage(
        "cookies of one caller are sent for the next",
        "src/laneway/adapters/kube/callers_client.py",
        old="cookie_jar=aiohttp.DummyCookieJar()",
        new="cookie_jar=aiohttp.CookieJar(unsafe=True)",
        tests=(CLIENT + "test_the_callers_token_is_all_that_identifies_anybody",),
        why="a session that a proxy in front of the API server set for one user serves another",
    ),
    Breakage(
        "redirects of the API server are followed",
        "src/laneway/adapters/kube/callers_client.py",
        old="            allow_redirects=False,\n",
        new="",
        tests=(CLIENT + "test_redirects_are_not_followed",),
        why="a token goes where an answer says",
    ),
    Breakage(
        "an API server without TLS gets users' tokens",
        "src/laneway/adapters/kube/callers_client.py",
        old='if not credentials.server.startswith("https:"):',
        new='if not credentials.server.startswith("http"):',
        tests=(CLIENT + "test_an_api_server_without_tls_is_refused",),
        why="behind `kubectl proxy` everybody acts as whoever started it",
    ),
    Breakage(
        "an empty token is passed on",
        "src/laneway/apiserver/console_requests.py",
        old='([A-Za-z0-9._~+/-]+=*)"',
        new='([A-Za-z0-9._~+/-]*=*)"',
        tests=(REQUESTS + "test_without_a_token_there_is_nobody_to_ask_for",),
        why="requests reach the API server from anybody, as the anonymous user",
    ),
    Breakage(
        "who would impersonate somebody is answered as themselves",
        "src/laneway/apiserver/console_requests.py",
        old='if any(name.startswith("impersonate-") for name, _ in headers):',
        new='if any(name == "impersonate-user" for name, _ in headers):',
        tests=(
            REQUESTS + "test_nobody_is_impersonated",
            CONSOLE + "test_nobody_is_impersonated",
        ),
        why="a proxy in front that lowers rights by these headers lowers nothing",
    ),
    Breakage(
        "paths are matched after they were decoded",
        "src/laneway/adapters/http/cluster_console.py",
        old='scope["raw_path"].decode("latin-1")',
        new='scope["path"]',
        tests=(CONSOLE + "test_paths_are_taken_as_they_were_sent",),
        why="what was checked is not what was sent, which is how proxies are passed by",
    ),
    Breakage(
        "what begins like an allowed path is passed on",
        "src/laneway/apiserver/console_requests.py",
        old="_OBJECTS.fullmatch(path) if",
        new="_OBJECTS.match(path) if",
        tests=(
            REQUESTS + "test_no_other_path_is",
            CONSOLE + "test_paths_are_taken_as_they_were_sent",
        ),
        why="`lanes/../../../../api/v1/secrets` is a way to everything",
    ),
    Breakage(
        "any parameter is passed on",
        "src/laneway/apiserver/console_requests.py",
        old="if _QUERY.get(name) != value or",
        new="if",
        tests=(REQUESTS + "test_only_the_consoles_own_parameters_are_passed_on",),
        why="a page takes over fields by force, or opens watches without a limit",
    ),
    Breakage(
        "all headers of the API server's answers are passed back",
        "src/laneway/adapters/http/cluster_console.py",
        old="{name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}",
        new="dict(answer.headers)",
        tests=(CONSOLE + "test_only_harmless_headers_of_the_answer_are_passed_back",),
        why="an answer sets cookies, or opens the console to other sites",
    ),
    Breakage(
        "an answer keeps its media type",
        "src/laneway/adapters/http/cluster_console.py",
        old='media_type = "application/json" if kind == "application/json" else "text/plain"',
        new="media_type = kind",
        tests=(CONSOLE + "test_an_answer_is_never_a_page",),
        why="an answer with a page in it runs in the console's origin, where the tokens are",
    ),
    Breakage(
        "the console in a cluster answers under any name",
        "src/laneway/adapters/http/same_origin.py",
        old="            check_host(request, self._hosts)\n",
        new="",
        tests=(CONSOLE + "test_foreign_pages_are_refused",),
        why="a web page reaches it under a name of its own that leads there (DNS rebinding)",
    ),
    Breakage(
        "there may be any number of requests at once",
        "src/laneway/adapters/http/cluster_console.py",
        old="if self._under_way >= MOST_AT_ONCE:",
        new="if self._under_way >= 100 * MOST_AT_ONCE:",
        tests=(CONSOLE + "test_requests_at_once_are_limited",),
        why="bodies of strangers fill the memory that the operator needs",
    ),
    Breakage(
        "a stream waits for ever for a browser that does not read",
        "src/laneway/adapters/http/callers_events.py",
        old="async with self._sending, asyncio.timeout(PATIENCE):",
        new="async with self._sending:",
        tests=(EVENTS + "test_a_browser_that_does_not_read_is_hung_up_on",),
        why="a few such browsers take all streams, and hold watches of the API server",
    ),
    Breakage(
        "a watch that was refused is tried again for ever",
        "src/laneway/adapters/http/callers_events.py",
        old="        except* (_Ended, Failure, TimeoutError):\n            pass\n",
        new="        except* _Ended:\n            pass\n        except* Failure:\n"
        "            await asyncio.sleep(3600)\n",
        tests=(EVENTS + "test_a_token_that_is_revoked_ends_the_stream",),
        why="the console shows objects of yesterday as if they were live",
    ),
    Breakage(
        "the console offers edits to whoever may create",
        "src/laneway/adapters/http/callers_identity.py",
        old="        if all([await",
        new="        if any([await",
        tests=(CONSOLE + "test_who_may_only_create_is_offered_no_edits",),
        why="buttons that fail",
    ),
    Breakage(
        "beyond loopback the console needs no certificate",
        "src/laneway/faces/operator/console.py",
        old="if certificates is None and not is_loopback(host):",
        new="if certificates is None and not host:",
        tests=(OPTIONS + "test_beyond_loopback_it_needs_one",),
        why="tokens cross the network in plain text",
    ),
    Breakage(
        "the chart's console listens beyond the pod without a name",
        "deploy/helm/laneway/templates/operator.yaml",
        old="            - --console=127.0.0.1:7480\n",
        new="            - --console=0.0.0.0:7480\n",
        tests=(CHART + "test_without_a_name_it_is_on_the_pods_loopback_alone",),
        why="every pod of the cluster reaches the console, which only port-forward should",
    ),
    Breakage(
        "a status that is reported keeps an edit from being saved",
        "console/src/api/statusRaces.ts",
        old="    if (next.outdated || same) throw error;\n",
        new="    throw error;\n",
        tests=("console/src/api/statusRaces.test.ts::with a new status is written once more",),
        why="while pods come and go, every second edit in the console fails",
    ),
    Breakage(
        "a viewer of a cluster is offered what a scope allows",
        "console/src/lanes/rights.ts",
        old="edits === undefined ? hasScope(scopes, group) : edits.includes('lanes')",
        new="scopes.length > 0 ? hasScope(scopes, group) : edits!.includes('lanes')",
        tests=("console/src/lanes/rights.test.ts::do not follow from a scope",),
        why="buttons that fail",
    ),
)
