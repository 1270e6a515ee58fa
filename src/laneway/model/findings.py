"""Findings: errors, warnings and notes about the objects that a user declared.

Readers and checks return all findings instead of raising the first; ``InvalidInput`` carries them
to the face that prints them. A finding names the object and the path of the field. The reader that
knows it adds the source of the text (file, document, line).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laneway.model.examples import Example

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[\w-]+")


def field_text(path: Path) -> str:
    """A path as people write it: ``spec.services[1].name``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


class Severity(enum.Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"  # correct, but worth knowing


@dataclass(frozen=True, slots=True)
class Source:
    """The location of a document: ``document`` counts from 1 in its file, ``line`` from 1.

    ``document`` is ``None`` for the file as a whole.
    """

    file: str
    document: int | None = 1
    line: int | None = None

    def __str__(self) -> str:
        """As compilers write it, and editors follow it: ``lanes.yaml:12 (document 2)``."""
        line = f":{self.line}" if self.line else ""
        document = f" (document {self.document})" if self.document else ""
        return f"{self.file}{line}{document}"


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """The kind and name of an object, as shown to users: ``Lane s2``, ``Service default/mocka``."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: ``message`` says what is wrong, ``fix`` what would be right.

    ``code`` is stable, upper case with underscores (``UNKNOWN_SERVICE``); ``path`` leads to the
    field inside the object's document, e.g. ``("spec", "services", 1, "name")``. ``example`` is a
    request that shows it.
    """

    code: str
    message: str
    fix: str = ""
    subject: ObjectKey | None = None
    path: Path = ()
    severity: Severity = Severity.ERROR
    source: Source | None = None
    example: Example | None = None

    @property
    def field(self) -> str:
        """The path as people write it: ``spec.services[1].name``."""
        return field_text(self.path)

    @property
    def explanation(self) -> str:
        """What is wrong, and what would be right."""
        return f"{self.message}; {self.fix}" if self.fix else self.message

    @property
    def field_explanation(self) -> str:
        """The field, what is wrong, and what would be right."""
        return f"{self.field}: {self.explanation}" if self.path else self.explanation

    def __str__(self) -> str:
        """One line that says it all, the place first."""
        where = f"{self.source}: " if self.source else ""
        about = ", ".join(part for part in (str(self.subject or ""), self.field) if part)
        what = f"{about}: {self.explanation}" if about else self.explanation
        text = f"{where}{self.severity.value} {self.code}: {what}"
        return f"{text}; for example {self.example}" if self.example else text


def warning_about(subject: ObjectKey, path: Path) -> Callable[[str, str, str], Finding]:
    """Returns a function that makes warnings about this field from a code, a message and a fix."""

    def warning(code: str, message: str, fix: str) -> Finding:
        return Finding(code, message, fix, subject, path, Severity.WARNING)

    return warning


class InvalidInput(Exception):
    """The input holds at least one error. ``findings`` has all of them, warnings included."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = sum(f.severity is Severity.ERROR for f in self.findings)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''} in the input")
