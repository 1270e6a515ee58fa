"""Stands in for kubectl where there is no cluster: what the examples' scripts ask, and no more.

Keeps objects in the JSON file that ``KUBECTL_STATE`` names. Every object of it is ready, but those
that ``KUBECTL_NOT_READY`` names. What it is asked and does not know is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

Object = dict[str, Any]
KINDS = {"lane": "Lane", "lanes": "Lane", "lanegroup": "LaneGroup", "deployment": "Deployment"}
CLUSTER_WIDE = ("Lane", "LaneGroup", "Namespace")


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("verb")
    parser.add_argument("names", nargs="*")
    for option in ("namespace", "filename", "output", "patch", "type", "selector", "for"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--timeout", required="wait" in sys.argv or "rollout" in sys.argv)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--ignore-not-found", action="store_true")
    options = parser.parse_intermixed_args()
    path = Path(os.environ["KUBECTL_STATE"])
    state: dict[str, Object] = json.loads(path.read_text()) if path.exists() else {}
    with_state = {
        "apply": apply,
        "delete": delete,
        "get": get,
        "patch": patch,
        "rollout": rollout,
        "wait": wait,
    }
    with_state[options.verb](options, state)
    if options.verb in ("apply", "delete", "patch"):
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(state))
        beside.replace(path)  # a script may read and write at once


def apply(options: argparse.Namespace, state: dict[str, Object]) -> None:
    text = sys.stdin.read() if options.filename == "-" else Path(options.filename).read_text()
    for document in filter(None, yaml.safe_load_all(text)):
        before = state.get(key(document), {})
        kept = {k: v for k, v in before.get("metadata", {}).items() if k == "annotations"}
        document["metadata"] = merged(kept, document["metadata"])
        state[key(document)] = document
        print(f"{document['kind'].lower()}/{document['metadata']['name']} applied")


def delete(options: argparse.Namespace, state: dict[str, Object]) -> None:
    found = list(selected(options, state))
    if not found and not options.selector and not options.ignore_not_found:
        fail(f"{' '.join(options.names)} not found")
    for item in found:
        del state[key(item)]
        print(f"{item['kind'].lower()} {item['metadata']['name']} deleted")


def get(options: argparse.Namespace, state: dict[str, Object]) -> None:
    found = list(selected(options, state))
    if len(options.names) == 2 and not found:
        fail(f"{' '.join(options.names)} not found")
    root = found[0] if len(options.names) == 2 else {"items": found}
    template = options.output.removeprefix("jsonpath=")
    assert template != options.output, "only jsonpath is known here"
    sys.stdout.write("".join(printed(template, root)))


def patch(options: argparse.Namespace, state: dict[str, Object]) -> None:
    change = yaml.safe_load(options.patch)
    if options.local:
        item = merged(yaml.safe_load(Path(options.filename).read_text()), change, by_name=True)
        print(json.dumps(item))
        return
    (item,) = selected(options, state) or fail(f"{options.names} not found")
    if options.type == "merge":
        state[key(item)] = merged(item, change)
    elif options.type == "json":
        for operation in change:
            *parents, last = operation["path"][1:].split("/")
            target = item
            for part in parents:
                target = target[part]
            if last not in target:
                fail(f"the path {operation['path']} does not exist")
            if operation["op"] == "remove":
                del target[last]
            else:
                assert operation["op"] == "replace"
                target[last] = operation["value"]
    else:
        fail(f"unknown type of patch: {options.type}")


def rollout(options: argparse.Namespace, state: dict[str, Object]) -> None:
    assert options.names[0] == "status", options.names
    _ready(options, state, options.names[1])


def wait(options: argparse.Namespace, state: dict[str, Object]) -> None:
    assert getattr(options, "for") == "condition=Ready"
    _ready(options, state, options.names[0])


def _ready(options: argparse.Namespace, state: dict[str, Object], reference: str) -> None:
    kind, _, name = reference.partition("/")
    options.names = [kind, name]
    if not selected(options, state):
        fail(f"{reference} not found")
    if reference in os.environ.get("KUBECTL_NOT_READY", "").split():
        fail(f"timed out waiting for the condition on {reference}")


def selected(options: argparse.Namespace, state: dict[str, Object]) -> list[Object]:
    kind = KINDS[options.names[0]]
    return [
        item
        for item in state.values()
        if item["kind"] == kind
        and (kind in CLUSTER_WIDE or item["metadata"]["namespace"] == options.namespace)
        and (len(options.names) == 1 or item["metadata"]["name"] == options.names[1])
        and matches(options.selector, item["metadata"].get("labels", {}))
    ]


def matches(selector: str | None, labels: dict[str, str]) -> bool:
    for term in re.split(r",(?![^(]*\))", selector) if selector else ():
        if found := re.fullmatch(r"(\S+) notin \((.*)\)", term):
            if labels.get(found[1]) in found[2].split(","):
                return False
        elif found := re.fullmatch(r"([\w./-]+)=([\w.-]+)", term):
            if labels.get(found[1]) != found[2]:
                return False
        else:
            fail(f"unable to parse requirement: {term}")
    return True


def printed(template: str, root: Any) -> Iterator[str]:
    """JSONPath as kubectl has it: fields, ``[*]``, ``.*``, texts, and one level of ``range``."""
    if found := re.fullmatch(r"\{range ([^}]+)\}(.*)\{end\}", template):
        for item in values(found[1], root):
            yield from printed(found[2], item)
        return
    for hole in re.findall(r"\{([^}]*)\}", template):
        if hole.startswith('"'):
            yield json.loads(hole)
        else:
            yield " ".join(
                v if isinstance(v, str) else json.dumps(v, separators=(",", ":"))
                for v in values(hole, root)
            )


def values(path: str, root: Any) -> list[Any]:
    found = [root]
    for name, every in re.findall(r"\.([\w-]+|\*)(\[\*\])?", path):
        if name == "*":
            found = [v for value in found for v in value.values()]
        else:
            found = [value[name] for value in found if name in value]
        if every:
            found = [v for value in found for v in value]
    return found


def merged(value: Any, change: Any, by_name: bool = False) -> Any:
    """A merge patch; ``by_name``: a strategic one, for lists of what has names."""
    if isinstance(value, dict) and isinstance(change, dict):
        result = dict(value)
        for name, item in change.items():
            result[name] = merged(value.get(name), item, by_name)
        return {name: item for name, item in result.items() if item is not None}
    if by_name and isinstance(value, list) and isinstance(change, list):
        changes = {item["name"]: item for item in change}
        return [merged(item, changes.get(item["name"], {}), by_name) for item in value]
    return change


def key(item: Object) -> str:
    namespace = item["metadata"].get("namespace", "")
    return f"{item['kind']} {namespace}/{item['metadata']['name']}"


def fail(message: str) -> NoReturn:
    sys.exit(f"Error: {message}")


if __name__ == "__main__":
    main()
