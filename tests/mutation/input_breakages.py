"""Breakages of reading input, and of analysis and explanations."""

from __future__ import annotations

from tests.mutation.trials import Breakage

LIMITS = "tests/adapters/files/test_limits.py::"

INPUT = (
    Breakage(
        "a lane's workloads are looked for among all of the service's",
        "src/laneway/model/selection.py",
        old="self._candidates(service, {**service.selector, **lane.selector})",
        new="self._candidates(service, service.selector)",
        tests=(
            LIMITS + "test_four_times_the_input_is_four_times_the_work"
            "[lanes with workloads of their own]",
        ),
        why="a mesh of two thousand lanes takes a minute to validate",
    ),
    Breakage(
        "a folder in the place of a watched file deletes it",
        "src/laneway/adapters/files/sources.py",
        old="                problems.append(_in_place_of_a_file(path))\n",
        new="                pass\n",
        tests=(
            "tests/adapters/files/test_sources.py::"
            "test_a_folder_in_the_place_of_a_file_is_no_deletion",
        ),
        why="a script that goes wrong takes lanes and gateway down",
    ),
    Breakage(
        "names of headers may have any length",
        "src/laneway/schema/fields.py",
        old="    if len(text) > MOST_OF_HEADER:\n",
        new="    if len(text) > 16384:\n",
        tests=("tests/schema/test_rule_limits.py::test_what_proxies_would_refuse_is_refused",),
        why="no sidecar and no gateway takes the lane filter, and the gateway answers 404 to all",
    ),
    Breakage(
        "directives of YAML have no limit",
        "src/laneway/adapters/files/yamls.py",
        old="        _limit_tag_directives(file, text)\n",
        new="",
        tests=(LIMITS + "test_tag_directives_have_a_limit",),
        why="one request of 2 MB stops laneway for a minute",
    ),
    Breakage(
        "files without anything of laneway's are valid",
        "src/laneway/adapters/files/reading.py",
        old="    objects = any(one.declared is not None for one in declared.alone)\n",
        new="    objects = bool(declared.alone)\n",
        tests=("tests/adapters/files/test_golden_errors.py::test_findings[only-other-kinds]",),
        why="who names a wrong folder is told that all is well, and runs an empty mesh",
    ),
    Breakage(
        "conditions on headers that Envoy removes pass without a warning",
        "src/laneway/model/gateway_requests.py",
        old="    if lower in OF_ONE_CONNECTION:\n",
        new="    if name in OF_ONE_CONNECTION:\n",
        tests=("tests/adapters/files/test_golden_errors.py::test_findings[unseen-requests]",),
        why="a rule that no request meets is called valid",
    ),
    Breakage(
        "a method that Envoy refuses counts as one that it accepts",
        "src/laneway/model/gateway_requests.py",
        old='        "MSEARCH",\n',
        new='        "M-SEARCH",\n',
        tests=(
            "tests/e2e/test_gateway_hardening.py::test_the_methods_that_the_docs_list_pass",
            "tests/adapters/files/test_golden_errors.py::test_findings[unseen-requests]",
        ),
        why="a rule that no request meets is called valid",
    ),
    Breakage(
        "of two conditions on one header the last counts",
        "src/laneway/schema/request_matches.py",
        old="        if name.lower() in seen:\n",
        new="        if name in seen:\n",
        tests=("tests/schema/test_fields.py::test_values[Annotated-good13-bad13]",),
        why="a rule takes requests that do not meet what its author wrote",
    ),
    Breakage(
        "a condition on Host is met by no request",
        "src/laneway/compile/simulate/gateways.py",
        old='    return {**request.header_lines, "host": (request.host,)}\n',
        new="    return request.header_lines\n",
        tests=(
            "tests/compile/simulate/test_paths.py::"
            "test_a_condition_on_host_is_met_by_the_requests_host[a.test-True]",
        ),
        why="explain answers 404 where proxies route",
    ),
    Breakage(
        "an empty struct of ASM's counts as declared",
        "src/laneway/schema/asm_structs.py",
        old="    return is_struct and isinstance(value, Mapping) and not _declared(plain, value)\n",
        new="    return False\n",
        tests=("tests/schema/test_asm_structs.py::test_an_empty_struct_of_a_lane_is_none",),
        why="what ASM's console and Go clients write back is refused",
    ),
    Breakage(
        "a rule of ASM's without `online` takes effect",
        "src/laneway/schema/asm_lane.py",
        old="    ] = False\n",
        new="    ] = True\n",
        tests=(
            "tests/schema/test_asm_structs.py::test_a_rule_without_online_is_offline_and_warned_of",
        ),
        why="a rule that is offline in ASM lets requests in",
    ),
    Breakage(
        "a misspelt group of laneway's passes for a foreign one",
        "src/laneway/schema/foreign.py",
        old="    return _OWN not in group and not _is_misspelt(group, read)\n",
        new="    return True\n",
        tests=("tests/schema/test_foreign.py::test_misspellings_of_what_laneway_reads_are_errors",),
        why="a lane of a misspelt group is missing, and nothing fails",
    ),
    Breakage(
        "a Helm template is reported as wrong YAML",
        "src/laneway/schema/templates.py",
        old="        if _UNQUOTED.match(content):\n",
        new="        if _UNQUOTED.fullmatch(content):\n",
        tests=(
            "tests/adapters/files/test_yamls.py::test_a_template_is_told_apart_from_wrong_yaml",
        ),
        why="nobody is told to run `helm template`",
    ),
    Breakage(
        "routes of a host stand beside the gateway, though it takes them from elsewhere",
        "src/laneway/compile/istio/gateways.py",
        old="    if not taken or all(own in namespaces for namespaces in taken):\n",
        new="    if True:\n",
        tests=(
            "tests/compile/istio/test_gateway_namespaces.py::test_routes_stand_where_the_gateway_takes_them_from",
        ),
        why="Istio does not bind the VirtualService, and requests of the host are answered 404",
    ),
    Breakage(
        "render says nothing of the user's own routing objects",
        "src/laneway/wiring/dialects.py",
        old="    if mesh.existing:\n",
        new="    if not mesh.existing:\n",
        tests=("tests/compile/test_existing_objects.py::test_render_tells_of_them",),
        why="lanes have no effect beside an older VirtualService, and nobody knows why",
    ),
    Breakage(
        "explain does not say where it stops knowing",
        "src/laneway/compile/simulate/paths.py",
        old="if name in self.applications.unknown)",
        new="if name not in called)",
        tests=(
            "tests/faces/cli/test_explain_unknown_calls.py::test_explain_says_where_it_stops_knowing",
        ),
        why="users take half a path for the whole",
    ),
    Breakage(
        "a call past the sidecar keeps its lane in explain",
        "src/laneway/compile/simulate/paths.py",
        old="        if call.past_sidecar is not None:\n",
        new="        if call.past_sidecar is None and call.caller:\n",
        tests=(
            "tests/faces/cli/test_explain_unknown_calls.py::test_a_call_of_a_port_of_this_machine_loses_the_lane",
        ),
        why="explain promises a lane that real requests lose",
    ),
    Breakage(
        "render ignores the root namespace",
        "src/laneway/wiring/dialects.py",
        old="    return istio(module_path().read_bytes(), settings.root_namespace)\n",
        new="    return istio(module_path().read_bytes())\n",
        tests=("tests/faces/cli/test_render_istio.py::test_the_root_namespace_may_be_another",),
        why="EnvoyFilters stand where Istio does not look for those of all proxies",
    ),
    Breakage(
        "a port's name decides before its appProtocol",
        "src/laneway/model/application_protocols.py",
        old='("appProtocol", port.app_protocol) if port.app_protocol else ("name", port.name)',
        new='("name", port.name) if port.name else ("appProtocol", port.app_protocol)',
        tests=("tests/model/test_application_protocols.py::test_what_is_not_http",),
        why="lanes do not apply at a port, and nobody is told",
    ),
)
