"""A kind: how one ``apiVersion``/``kind`` is read and written. Each dialect has a module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import Declared
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.schema.documents import Document
from laneway.schema.fields import Shape
from laneway.schema.objects import Metadata, Object

#: A pattern of paths: ``*`` stands for any key or index.
Pattern = tuple[str, ...]
Built = tuple[Declared | None, Iterable[Finding]]
#: The metadata and the spec of a document.
Written = tuple[Metadata, Shape]


@dataclass(frozen=True, slots=True)
class Kind:
    """``build`` makes the model's object of a validated shape, and says what it left out.

    ``write`` is its inverse: it makes the shape that ``build`` reads as this very object.

    Names are unique within what ``scope`` leads to: a namespace, a lane's group; ``()`` is none.

    Checks speak of fields as laneway's own kinds name them; ``fields`` tells how this kind does
    where it differs. Kubernetes takes a null for an absent field; with ``nulls`` so does this.
    """

    group: str
    versions: tuple[str, ...]
    name: str
    shape: type[Object]
    declares: type[Declared]
    build: Callable[[Any], Built]
    write: Callable[[Any], Written]
    scope: tuple[str, ...] = ("metadata", "namespace")
    fields: Mapping[Pattern, Pattern] = field(default_factory=dict)
    nulls: bool = False

    @property
    def api_versions(self) -> tuple[str, ...]:
        return tuple(f"{self.group}/{v}" if self.group else v for v in self.versions)

    def document(self, declared: Declared) -> dict[str, Any]:
        """The document of this kind that declares the object, as plain data."""
        metadata, spec = self.write(declared)
        return {
            "apiVersion": self.api_versions[0],
            "kind": self.name,
            "metadata": metadata.model_dump(by_alias=True, exclude_unset=True),
            "spec": spec.model_dump(by_alias=True, exclude_unset=True),
        }

    def name_of(self, document: Document) -> str:
        """The name within its scope, as far as the document has them: ``default/mocka``."""
        scope = document.get(*self.scope) if self.scope else None
        if scope is None and self.scope[-1:] == ("namespace",):
            scope = DEFAULT_NAMESPACE
        name = document.key.name
        return f"{scope}/{name}" if name and isinstance(scope, str) else name

    def path(self, own: Path) -> Path:
        """This kind's path for a path into laneway's own kind: the longest pattern decides."""
        for pattern in sorted(self.fields, key=len, reverse=True):
            head, rest = own[: len(pattern)], own[len(pattern) :]
            if len(head) == len(pattern) and all(
                wanted in ("*", part) for wanted, part in zip(pattern, head, strict=True)
            ):
                wild = iter(p for wanted, p in zip(pattern, head, strict=True) if wanted == "*")
                return (*(next(wild) if p == "*" else p for p in self.fields[pattern]), *rest)
        return own


def not_honoured(path: Path, instead: str, what: str = "") -> Finding:
    """A warning: laneway reads this field (``what``) and does something else."""
    return Finding(
        Code.NOT_HONOURED,
        f"laneway does not honour {what or f'`{path[-1]}`'} yet",
        instead,
        path=path,
        severity=Severity.WARNING,
    )


def repeated(values: Sequence[int | str], path: Path, field: str) -> Iterator[Finding]:
    """Errors: ports with a number or a name (``field``) that one before them has; "" is none."""
    before: set[int | str] = set()
    for index, value in enumerate(values):
        if value and value in before:
            message = f"another port has the {field} {value}"
            yield Finding(
                Code.INVALID_VALUE, message, "give each its own", path=(*path, index, field)
            )
        before.add(value)


def no_effect(path: Path, why: str, fix: str = "") -> Finding:
    """A warning: the field is legal and changes nothing."""
    return Finding(
        Code.NO_EFFECT,
        f"`{path[-1]}` has no effect: {why}",
        fix,
        path=path,
        severity=Severity.WARNING,
    )
