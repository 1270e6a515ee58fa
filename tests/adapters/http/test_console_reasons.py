"""The console has a Chinese sentence for whatever the API tells by a code or a reason.

The codes of findings are enums, those of dialects and the other reasons are found in the source, so
that a new one without a sentence fails here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from laneway.apiserver import failures
from laneway.compile.analyze.codes import Code as AnalysisCode
from laneway.model.codes import Code
from laneway.model.lane_lives import INACTIVE
from laneway.model.machine_defaults import ASSUMED_OBJECT

ROOT = Path(__file__).parents[3]
TEXTS = ROOT / "console/src/texts"


def test_every_code_of_a_finding_has_a_sentence_in_chinese() -> None:
    sources = (ROOT / "src/laneway/compile").rglob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    of_dialects = re.findall(r'"((?:ASM|ENVOY|GATEWAY_API|ISTIO|EXISTING)_[A-Z_]+)"', text)
    ours = {*Code, *AnalysisCode, ASSUMED_OBJECT, *of_dialects}
    assert len(set(of_dialects)) > 70, "the codes of dialects are not where they were"
    assert _sentences("findings.ts", "zhFindings") == ours


def test_every_reason_of_a_condition_has_a_sentence_in_chinese() -> None:
    reasons = set(INACTIVE)
    for constants, call in _calls("Condition"):
        if len(call.args) > 2 and _literals(call.args[0], constants):
            reasons |= _literals(call.args[2], constants)
    assert {"NotAcknowledged", "Held", "NoReadyInstance"} < reasons
    assert _sentences("reasons.ts", "conditions") == reasons


def test_every_reason_of_a_refusal_has_a_sentence_in_chinese() -> None:
    reasons = set(failures.REASONS.values())
    for constants, call in _calls("Failure"):
        for keyword in call.keywords:
            if keyword.arg == "reason":
                reasons |= _literals(keyword.value, constants)
    assert {"AlreadyExists", "NotFound", "InsufficientStorage"} < reasons
    assert _sentences("reasons.ts", "failures") == reasons


def test_every_cause_of_a_refusal_has_a_sentence_in_chinese() -> None:
    """Beside the codes of findings, which are causes, too, and the reasons of refusals."""
    causes: set[str] = set()
    for constants, call in (*_calls("Problem"), *_calls("_problem")):
        if len(call.args) > 2:
            causes |= _literals(call.args[1], constants)
    for constants, tree in map(_parsed, _sources()):
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict) and {"message", "reason"} <= set(_keys(node)):
                causes |= _literals(node.values[_keys(node).index("reason")], constants)
    assert {"FieldManagerConflict", "FieldValueRequired"} < causes
    named = _sentences("findings.ts", "zhFindings") | _sentences("reasons.ts", "failures")
    assert _sentences("reasons.ts", "causes") == causes - named


def _sentences(file: str, table: str) -> set[str]:
    """The keys of a table of the console's texts."""
    text = (TEXTS / file).read_text(encoding="utf-8")
    found = re.search(rf"const {table}: .*?= {{\n(.*?)\n}};", text, re.DOTALL)
    assert found is not None
    return set(re.findall(r"^  (\w+):\s+'.+',$", found[1], re.MULTILINE))


@cache
def _sources() -> list[Path]:
    """Where conditions and refusals are made."""
    packages = ("apiserver", "operator", "wiring", "adapters/http")
    return [path for each in packages for path in (ROOT / "src/laneway" / each).rglob("*.py")]


@cache
def _parsed(path: Path) -> tuple[dict[str, str], ast.Module]:
    """A module, and its constants that are texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {}
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(value))):
                constants[name] = value
            case ast.Assign([ast.Tuple(names)], ast.Tuple(values)):
                for each, text in zip(names, values, strict=True):
                    if isinstance(each, ast.Name) and isinstance(text, ast.Constant):
                        constants[each.id] = str(text.value)
    return constants, tree


def _calls(name: str) -> Iterator[tuple[dict[str, str], ast.Call]]:
    """All calls of a function or class of this name, with the texts that names there stand for."""
    everywhere = {k: v for path in _sources() for k, v in _parsed(path)[0].items()}
    for constants, tree in map(_parsed, _sources()):
        for node in ast.walk(tree):
            match node:
                case ast.Call(ast.Name(called) | ast.Attribute(_, called)) if called == name:
                    yield {**everywhere, **constants}, node


def _literals(value: ast.expr, constants: dict[str, str]) -> set[str]:
    """The texts in an expression: what it takes from objects is of other tests."""
    match value:
        case ast.Constant(str(text)):
            return {text}
        case ast.Name(name):
            return {constants[name]} if name in constants else set()
        case ast.BoolOp(_, values):
            return {text for each in values for text in _literals(each, constants)}
        case ast.IfExp(_, body, other):
            return _literals(body, constants) | _literals(other, constants)
    return set()


def _keys(node: ast.Dict) -> list[str]:
    return [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]
