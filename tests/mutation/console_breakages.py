"""Breakages of the console's server: who signs in, what is public, and what its stream tells."""

from __future__ import annotations

from tests.mutation.trials import Breakage

_HTTP = "tests/adapters/http/test_console.py::"

CONSOLE = (
    Breakage(
        "a link to the console signs in again and again",
        "src/laneway/apiserver/sign_in_codes.py",
        old="        expiry = self._expiry.pop(_digest(code), None)\n",
        new="        expiry = self._expiry.get(_digest(code))\n",
        tests=(
            "tests/apiserver/test_sign_in_codes.py::test_a_code_is_good_once",
            _HTTP + "test_a_link_signs_one_browser_in",
        ),
        why="whoever reads a terminal's history is an admin",
    ),
    Breakage(
        "the API is as public as the console's files",
        "src/laneway/adapters/http/authentication.py",
        old='        request.method == "GET" and request.scope["path"].startswith(ROOT)\n',
        new='        request.method == "GET" and request.scope["path"].startswith("/")\n',
        tests=(_HTTP + "test_only_the_files_are_public",),
        why="every local user reads the mesh",
    ),
    Breakage(
        "the console's port without TLS is opened to the network",
        "src/laneway/adapters/http/server.py",
        old="        if endpoint.tls is None and not is_loopback(endpoint.host):\n",
        new="        if endpoint.tls is None and not endpoint.host:\n",
        tests=(_HTTP + "test_without_tls_nothing_listens_beyond_loopback",),
        why="tokens cross the network in the clear",
    ),
    Breakage(
        "the console's stream tells of objects by their names",
        "src/laneway/adapters/http/watches.py",
        old="key=lambda item: (item[1].created, item[0])):\n",
        new="key=lambda item: item[0]):\n",
        tests=(_HTTP + "test_one_stream_tells_of_objects_of_all_kinds",),
        why="the console takes another lane for the baseline than the mesh does",
    ),
)
