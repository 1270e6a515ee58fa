"""Documents: what stands between text and the model. A reader makes them, ``decode`` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from laneway.model.findings import Finding, ObjectKey, Path, Source


def _unknown(_: Path) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (as JSON has it) and where it came from.

    ``line`` tells the line of a path into ``data``, or of the nearest part of it that exists.
    ``prefix`` leads from there to ``data``, for an object inside a ``List``.
    """

    data: object
    source: Source
    line: Callable[[Path], int | None] = _unknown
    prefix: Path = ()

    @property
    def key(self) -> ObjectKey:
        """What the document says it declares, as far as it does."""
        kind, name = self.get("kind"), self.get("metadata", "name")
        return ObjectKey(
            kind if isinstance(kind, str) and kind else "document",
            name if isinstance(name, str) else "",
        )

    def get(self, *path: str) -> object:
        value = self.data
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def at(self, path: Path) -> object:
        """The value at a path, or ``None`` where there is none."""
        value = self.data
        for part in path:
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def items(self) -> Iterator[Document]:
        """The objects of a Kubernetes ``List``; else the document itself."""
        items = self.get("items")
        if (
            self.get("apiVersion") == "v1"
            and self.get("kind") == "List"
            and isinstance(items, list)
        ):
            for index, item in enumerate(items):
                yield replace(self, data=item, prefix=("items", index))
        else:
            yield self

    def place(self, finding: Finding) -> Finding:
        """The finding with this document's file, document and line filled in.

        The path is cut where the document is shorter: a check speaks of ``service.name`` also
        where the user wrote just ``service: mocka``.
        """
        path = self._written(finding.path)
        line = self.line(self.prefix + path)
        return replace(
            finding,
            path=self.prefix + path,
            subject=finding.subject or self.key,
            source=replace(self.source, line=line or self.source.line),
        )

    def _written(self, path: Path) -> Path:
        value = self.data
        for depth, part in enumerate(path):
            if isinstance(value, Mapping) and isinstance(part, str):
                value = value.get(part, {})
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return path[:depth]
        return path
