"""Breakages of what makes a user's own services easy to run on one machine."""

from __future__ import annotations

from tests.mutation.trials import Breakage

OWN_SERVICES = (
    Breakage(
        "a gateway is assumed beside declared ones",
        "src/laneway/model/machine_defaults.py",
        old='    if any(key.kind == "Gateway" for key in known):\n',
        new="    if False:\n",
        tests=(
            "tests/model/test_machine_defaults.py::"
            "test_no_gateway_is_assumed_beside_a_declared_one",
        ),
        why="a misspelt gateway runs as another one, and nothing is said",
    ),
    Breakage(
        "a Service is assumed in the place of one that has errors",
        "src/laneway/model/machine_defaults.py",
        old=' and ObjectKey("Service", str(name)) not in known\n',
        new="\n",
        tests=(
            "tests/model/test_machine_defaults.py::"
            "test_nothing_is_assumed_in_the_place_of_what_has_errors",
        ),
        why="requests go by other ports than the user declared",
    ),
    Breakage(
        "commands are relative to the folder where laneway was started",
        "src/laneway/adapters/files/reading.py",
        old="    return replace(one, declared=replace(one.declared, folder=folder))\n",
        new="    return one\n",
        tests=(
            "tests/adapters/files/test_folders.py::test_a_workload_knows_the_folder_of_its_file",
        ),
        why="an example runs in one folder alone",
    ),
)
