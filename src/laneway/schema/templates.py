"""Templates of Helm's, which people give with the rest of a folder: their own finding says so.

What is wrong with a template as YAML, or with its values, would be of no use to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.schema.documents import Document

_ACTION = re.compile(r"\{\{-?\s*[\w.$(\"/`].*?\}\}", re.DOTALL)
#: An action where YAML has no quotes: at the beginning of a line, or of a value or item.
_UNQUOTED = re.compile(r"[ \t]*(?:- )*(?:[\w./-]+:[ \t]+)?\{\{")
_FIX = "render the chart first: helm template CHART | laneway ... -f -"


def instead_of_syntax(finding: Finding, text: str) -> Finding:
    """The finding about a text that cannot be read; another one where that is a template."""
    source = finding.source
    line = source.line if source and source.line else 1
    for number, content in enumerate(text.split("\n", line)[:line], 1):
        if _UNQUOTED.match(content):
            message = f"it is a template, not YAML: line {number} has {{{{ ... }}}}"
            return Finding(Code.HELM_TEMPLATE, message, _FIX, source=source)
    return finding


def instead_of_values(findings: Iterable[Finding], document: Document) -> Iterator[Finding]:
    """What is wrong with a document; once, where it is that a value is a template's action."""
    is_told = False
    for finding in findings:
        if finding.severity is not Severity.ERROR or not _is_action(document, finding.path):
            yield finding
        elif not is_told:
            is_told = True
            message = f"`{finding.path[-1]}` is written as a template's {{{{ ... }}}}"
            yield Finding(Code.HELM_TEMPLATE, message, _FIX, path=finding.path)


def _is_action(document: Document, path: Path) -> bool:
    """Whether the value, or the key, at a path is one."""
    texts = [document.at(path), path[-1] if path else None]
    return any(isinstance(text, str) and bool(_ACTION.search(text)) for text in texts)
