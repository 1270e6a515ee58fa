"""Merging a request into the objects of the declared state. Pure.

A source owns the objects that it declares. A second source that declares the same object causes a
conflict, unless it takes the object over by force. Then the first source is in conflict, until it
declares the same, which makes it the owner again, or does not declare the object.

The order of objects matters, because the first lane of a group may be its baseline: a source
determines the order of its own objects, and does not move those of others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from laneway.control.declared.objects import Declaration, DeclaredObject, Objects, Principal
from laneway.control.declared.requests import (
    ChangeSet,
    Put,
    Remove,
    ReplaceAll,
    Request,
    Writes,
)
from laneway.control.declared.results import Conflict, NotDeclared, OwnedByAnother, VersionConflict
from laneway.model.codes import Code
from laneway.model.findings import Finding, ObjectKey
from laneway.model.lanes import Lane


@dataclass(frozen=True, slots=True)
class Merged:
    """``changed`` are the objects that the request creates, changes, removes or takes over.
    ``moved`` is true if the remaining objects are in another order.

    If there are ``conflicts`` or ``findings``, the request cannot be merged.
    """

    objects: Objects
    changed: frozenset[ObjectKey] = frozenset()
    moved: bool = False
    conflicts: tuple[Conflict, ...] = ()
    findings: tuple[Finding, ...] = ()


def merged(objects: Objects, request: Request, version: int, principal: Principal) -> Merged:
    """The objects after ``request``, which leads to this ``version`` of the state."""
    merge = _Merge(objects, request.source, request.force, version, principal)
    if isinstance(request, ChangeSet):
        if isinstance(request.edits, ReplaceAll):
            return merge.replace_all(request.edits.declarations)
        return merge.edit(request.edits)
    if isinstance(request, Writes):
        return merge.edit(request.edits, request.order)
    return merge.edit((request.edit,))


class _Merge:
    """Unchanged declarations are skipped, which in a large mesh are nearly all."""

    def __init__(
        self, before: Objects, source: str, force: bool, version: int, principal: Principal
    ) -> None:
        self._before = before
        self._source, self._force = source, force
        self._version, self._principal = version, principal
        self._changed: set[ObjectKey] = set()
        self._conflicts: list[Conflict] = []

    def replace_all(self, declarations: Sequence[Declaration]) -> Merged:
        known = {id(each.declared): each for each in self._before.ordered}
        after: list[DeclaredObject] = []
        for declaration in declarations:
            same = known.get(id(declaration.declared))
            if same is None or same.source != self._source or declaration.origin is not None:
                same = self._put(declaration)
            after.append(same)
        before, kept = set(map(id, self._before.ordered)), set(map(id, after))
        fresh = {each.key: each for each in after if id(each) not in before}
        by_key = {**self._before.by_key}
        for each in self._before.ordered:
            if id(each) not in kept and each.source == self._source and each.key not in fresh:
                del by_key[each.key]
                self._changed.add(each.key)
        by_key.update(fresh)
        ordered = tuple(_in_order(after, self._before.ordered, self._source, by_key))
        if len(ordered) != len(by_key):
            return Merged(self._before, findings=_repeated(declarations))
        return self._merged(Objects(ordered, by_key))

    def edit(self, edits: Sequence[Put | Remove], order: Sequence[ObjectKey] = ()) -> Merged:
        if repeated := _repeated(each.declaration for each in edits if isinstance(each, Put)):
            return Merged(self._before, findings=repeated)
        after = {**self._before.by_key}
        for edit in edits:
            self._expect(edit)
            if isinstance(edit, Put):
                after[edit.key] = self._put(edit.declaration)
            elif edit.key not in after:
                self._conflicts.append(NotDeclared(edit.key))
            else:
                self._claim(after.pop(edit.key))
                self._changed.add(edit.key)
        stay = (after.pop(each.key) for each in self._before.ordered if each.key in after)
        return self._merged(Objects.of(self._arranged([*stay, *after.values()], order)))

    def _arranged(
        self, objects: list[DeclaredObject], order: Sequence[ObjectKey]
    ) -> list[DeclaredObject]:
        """The source's own objects in this order, at the places that they have together."""
        position = {key: number for number, key in enumerate(order)}
        places = [
            number
            for number, each in enumerate(objects)
            if each.source == self._source and each.key in position
        ]
        own = sorted((objects[place] for place in places), key=lambda each: position[each.key])
        for place, each in zip(places, own, strict=True):
            objects[place] = each
        return objects

    def _merged(self, after: Objects) -> Merged:
        if self._conflicts:
            return Merged(self._before, conflicts=tuple(self._conflicts))
        order = (each.declared for each in self._before.ordered)
        moved = not self._changed and any(
            each.declared is not declared
            for each, declared in zip(after.ordered, order, strict=True)
        )
        return Merged(after, frozenset(self._changed), moved)

    def _put(self, declaration: Declaration) -> DeclaredObject:
        key, version = declaration.key, self._version
        before = self._before.by_key.get(key)
        if before is None:
            self._changed.add(key)
            return DeclaredObject(declaration, self._source, version, version, self._principal)
        if not self._regains(before, declaration):
            self._claim(before)
        if before.source == self._source and _same(before.declaration, declaration):
            # An unchanged object keeps its version, even if it has moved within a file.
            return replace(before, declaration=replace(declaration, declared=before.declared))
        self._changed.add(key)
        taken_from = before.taken_from if before.source == self._source else before.source
        if self._regains(before, declaration):
            taken_from = ""
        return DeclaredObject(
            declaration, self._source, before.created, version, self._principal, taken_from
        )

    def _regains(self, before: DeclaredObject, declaration: Declaration) -> bool:
        """Whether the source from which the object was taken says now what became of it."""
        return before.taken_from == self._source and _same(before.declaration, declaration)

    def _claim(self, before: DeclaredObject) -> None:
        if before.source != self._source and not self._force:
            self._conflicts.append(OwnedByAnother(before.key, before.source))

    def _expect(self, edit: Put | Remove) -> None:
        before = self._before.by_key.get(edit.key)
        actual = before.version if before else 0
        if edit.version is not None and edit.version != actual:
            self._conflicts.append(VersionConflict(edit.key, edit.version, actual))


def _same(one: Declaration, other: Declaration) -> bool:
    return one.declared is other.declared or one.declared == other.declared


def _repeated(declarations: Iterable[Declaration]) -> tuple[Finding, ...]:
    """Objects that are declared twice. (Reading files refuses these already.)"""
    seen: set[ObjectKey] = set()
    found = []
    for declaration in declarations:
        key = declaration.key
        if key in seen:
            message, fix = f"{key} is declared twice", "keep one of them"
            path = ("metadata", "name")
            finding = Finding(Code.DUPLICATE_OBJECT, message, fix, key, path)
            found.append(declaration.place(finding))
        seen.add(key)
    return tuple(found)


def _in_order(
    after: Sequence[DeclaredObject],
    before: Sequence[DeclaredObject],
    source: str,
    by_key: Mapping[ObjectKey, DeclaredObject],
) -> Sequence[DeclaredObject]:
    """The objects in the order of their source, without moving those of other sources.

    Within a kind (and for lanes, within a group) they take the places of the source's objects
    before. Additional objects follow at the end.
    """
    if all(each.source == source for each in before):
        return after
    waiting: dict[Hashable, deque[DeclaredObject]] = {}
    for each in after:
        waiting.setdefault(_scope(each), deque()).append(each)
    result: list[DeclaredObject] = []
    for each in before:
        if by_key.get(each.key) is each and each.source != source:
            result.append(each)
        elif queue := waiting.get(_scope(each)):
            result.append(queue.popleft())
    placed = set(map(id, result))
    return [*result, *(each for each in after if id(each) not in placed)]


def _scope(each: DeclaredObject) -> Hashable:
    declared = each.declared
    return ("Lane", declared.group) if isinstance(declared, Lane) else type(declared).__name__
