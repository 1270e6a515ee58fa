"""What differs between two meshes, object by object and field by field, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from laneway.model.findings import Path, field_text
from laneway.model.keys import Declared, key_of
from laneway.model.meshes import Mesh
from laneway.schema.encoding import encode
from laneway.schema.field_metadata import About
from laneway.schema.fields import Text
from laneway.schema.reports.report import Report


class ChangeReport(Report):
    about = About("One object that differs.", "一个有变化的对象。", None)

    change: Annotated[
        Literal["added", "changed", "removed"],
        About("What happened to the object.", "对象的变化。", "changed"),
    ]
    kind: Annotated[Text, About("The object's kind.", "对象的类型。", "Lane")]
    name: Annotated[
        Text, About("The object's name within its scope.", "对象在其作用域内的名称。", "test/s2")
    ]
    fields: Annotated[
        list[Text],
        About(
            "The fields that differ; empty unless the object was changed.",
            "有变化的字段；仅在对象被修改时非空。",
            ["spec.weight"],
        ),
    ]


def change_reports(before: Mesh, after: Mesh) -> Iterator[ChangeReport]:
    """Kind by kind; objects that were removed come last."""
    for old_objects, new_objects in (
        (before.gateways, after.gateways),
        (before.groups, after.groups),
        (before.lanes, after.lanes),
        (before.services, after.services),
        (before.workloads, after.workloads),
    ):
        yield from _changes(old_objects, new_objects)


def _changes(before: Iterable[Declared], after: Iterable[Declared]) -> Iterator[ChangeReport]:
    old_objects, new_objects = list(before), list(after)
    # Of a large mesh, nearly all objects are the same as before, and need no key.
    same = set(map(id, old_objects)) & set(map(id, new_objects))
    old = {key_of(each): each for each in old_objects if id(each) not in same}
    new = {key_of(each): each for each in new_objects if id(each) not in same}
    for key, declared in new.items():
        if key not in old:
            yield ChangeReport.of(change="added", kind=key.kind, name=key.name, fields=[])
        elif old[key] != declared:
            paths = _differences(encode(old[key]), encode(declared))
            fields = [field_text(path) for path in paths]
            yield ChangeReport.of(change="changed", kind=key.kind, name=key.name, fields=fields)
    for key in old:
        if key not in new:
            yield ChangeReport.of(change="removed", kind=key.kind, name=key.name, fields=[])


def _differences(before: Any, after: Any, path: Path = ()) -> Iterator[Path]:
    """The shortest paths to what differs; items of lists of one length are compared one by one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            if name in before and name in after:
                yield from _differences(before[name], after[name], (*path, name))
            else:
                yield (*path, name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, (*path, index))
    elif before != after:
        yield path
