"""Presentation: findings that quote their input stay readable, and harmless on a terminal.

An input may hold a name of eight million characters, or one with escape sequences for terminals.
"""

from __future__ import annotations

import re
from dataclasses import replace

from laneway.model.findings import Finding, Path

#: Characters of a message or a fix. The longest that laneway writes without quoting have 250.
MOST = 600
#: Characters of a name, of an object or a field.
MOST_OF_NAME = 300

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def presentable(finding: Finding) -> Finding:
    """The finding with long and unprintable texts cut and escaped."""
    subject = finding.subject
    if subject is not None:
        kind, name = excerpt(subject.kind, MOST_OF_NAME), excerpt(subject.name, MOST_OF_NAME)
        subject = replace(subject, kind=kind, name=name)
    return replace(
        finding,
        message=excerpt(finding.message, MOST),
        fix=excerpt(finding.fix, MOST),
        subject=subject,
        path=_path(finding.path),
    )


def excerpt(text: str, most: int) -> str:
    """The text on one line. Of a longer one the beginning and the end, which say most."""
    if len(text) > most:
        left_out = len(text) - most
        text = f"{text[: most - 60]} ...({left_out + 20:,} more)... {text[-40:]}"
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _path(path: Path) -> Path:
    return tuple(excerpt(part, MOST_OF_NAME) if isinstance(part, str) else part for part in path)
