"""Which objects a command's words name, as kubectl reads them: ``lane s1``, ``lanes/s1 svc/x``.

The resources are those that laneway serves; a cluster has them under the same paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import typer

from laneway.apiserver.discovery import root
from laneway.apiserver.resources import Resource, Served, served
from laneway.apiserver.virtual_resources import CORE_EVENT
from laneway.control.revisions import ObjectId
from laneway.model.suggestions import listing, suggestion


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """One object, or all of a resource where ``name`` is "". ``namespace`` "" is every one.

    ``api_version`` "" is the first of the resource's.
    """

    resource: Served
    namespace: str
    name: str = ""
    api_version: str = ""

    @property
    def path(self) -> str:
        """Of the object, or of the list, in the API."""
        return f"{self.collection}/{self.name}" if self.name else self.collection

    @property
    def collection(self) -> str:
        where = f"/namespaces/{self.namespace}" if self.namespace else ""
        version = self.api_version or self.resource.kind.api_versions[0]
        return f"{root(version)}{where}/{self.resource.plural}"

    def __str__(self) -> str:
        """As kubectl prints names: ``lane.laneway.dev/s1``."""
        resource = self.resource
        singular = f"{resource.singular}.{resource.group}" if resource.group else resource.singular
        return f"{singular}/{self.name}"


def references(words: Sequence[str], namespace: str) -> list[ObjectReference]:
    """What ``words`` name, in their order. Raises ``typer.BadParameter``.

    ``namespace`` is for the resources that have one; "" is every namespace.
    """
    if not words:
        raise typer.BadParameter(f"say which resource: one of {listing(_plurals())}")
    if "/" in words[0]:
        return [_slashed(word, namespace) for word in words]
    found: list[ObjectReference] = []
    for resource in _resources(words[0]):
        of = ObjectReference(resource, namespace if resource.namespaced else "")
        found += [replace(of, name=name) for name in words[1:]] or [of]
    if mixed := [word for word in words[1:] if "/" in word]:
        raise typer.BadParameter(f"{mixed[0]}: write either RESOURCE NAME... or RESOURCE/NAME...")
    if len(words) > 1 and len(found) > len(words) - 1:
        raise typer.BadParameter(f"{words[0]}: several resources have no names in common")
    return _checked(found)


def named_references(words: Sequence[str], namespace: str) -> list[ObjectReference]:
    """``declared_references``, each with a name. Raises ``typer.BadParameter``."""
    found = declared_references(words, namespace)
    for each in found:
        if not each.name:
            raise typer.BadParameter(f"say which {each.resource.singular}: {words[0]} NAME")
    return found


def declared_references(words: Sequence[str], namespace: str) -> list[ObjectReference]:
    """``references`` to what users declare. Raises ``typer.BadParameter``."""
    found = references(words, namespace)
    for each in found:
        if "update" not in each.resource.verbs:
            raise typer.BadParameter(f"{each.resource.plural} are only read: laneway makes them")
    return found


def resource_of(kind: str, api_version: str) -> Resource | None:
    for resource in served():
        if resource.kind.name == kind and api_version in resource.kind.api_versions:
            return resource
    return None


def reference_of(key: ObjectId) -> ObjectReference:
    """What the API's answers name by its resource, namespace and name."""
    resource = next(each for each in served() if each.qualified == key.resource)
    return ObjectReference(resource, key.namespace, key.name)


def _slashed(word: str, namespace: str) -> ObjectReference:
    resource_word, _, name = word.partition("/")
    resources = _resources(resource_word)
    if not name or "/" in name or len(resources) > 1:
        raise typer.BadParameter(f"{word}: write RESOURCE/NAME, such as lane/s1")
    of = ObjectReference(resources[0], namespace if resources[0].namespaced else "", name)
    return _checked([of])[0]


def _checked(found: list[ObjectReference]) -> list[ObjectReference]:
    for each in found:
        if each.name and each.resource.namespaced and not each.namespace:
            raise typer.BadParameter(f"{each.name}: a name is looked for in one namespace: -n NAME")
    return found


def _resources(word: str) -> list[Served]:
    """Of a plural, singular, short or qualified name, or a category. A comma separates several."""
    found: list[Served] = []
    for part in word.lower().split(","):
        matching: list[Served] = [each for each in served() if part in {*_words(each), "all"}]
        if part in _words(CORE_EVENT):
            matching.append(CORE_EVENT)
        if not matching:
            fix = suggestion(part, _plurals(), f"there is: {listing(_plurals())}")
            raise typer.BadParameter(f"there is no resource {part!r}; {fix}")
        found += matching
    return found


def _words(resource: Served) -> set[str]:
    names = {resource.plural, resource.singular, *resource.short_names}
    qualified = {f"{name}.{resource.group}" for name in names} if resource.group else set()
    return names | qualified | {*resource.categories}


def _plurals() -> list[str]:
    return [*(each.plural for each in served()), CORE_EVENT.plural]
