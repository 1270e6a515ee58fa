"""The actions of a rule as filters and timeouts of an HTTPRoute's rule.

Filters support neither retries nor a port in a host; ``untold`` lists what is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from laneway.compile.gateway_api.matches import Path
from laneway.compile.ir import IngressRoute
from laneway.model import durations
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.rule_actions import HeaderChanges, RuleActions

Document = dict[str, Any]

#: The CRD's limits.
_HEADERS = 16
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Actions:
    """The filters of one rule. ``uri`` is its condition, if a part of the path is rewritten."""

    of: RuleActions
    uri: StringMatch | None

    @staticmethod
    def of_route(ingress: IngressRoute) -> Actions:
        return Actions(ingress.actions, None if ingress.actions.uri is None else ingress.uri)

    def filters(self, path: Path) -> tuple[Document, ...]:
        """The filters for requests to ``path``, which may be narrower than the rule's condition."""
        modifiers = {
            "RequestHeaderModifier": self.of.request_headers,
            "ResponseHeaderModifier": self.of.response_headers,
        }
        found = [
            {"type": kind, f"{kind[0].lower()}{kind[1:]}": _changes(changes)}
            for kind, changes in modifiers.items()
            if changes.names and _fits(changes)
        ]
        if rewrite := self._rewrite(path):
            found.append({"type": "URLRewrite", "urlRewrite": rewrite})
        return tuple(found)

    @property
    def timeout(self) -> str | None:
        """In the specification's own form (GEP-2257)."""
        return None if self.of.timeout is None else durations.written(self.of.timeout)

    def _rewrite(self, path: Path) -> Document:
        rewrite: Document = {}
        if self.of.authority is not None and _is_host(self.of.authority):
            rewrite["hostname"] = self.of.authority.lower()
        if self.of.uri is not None and not self.keeps_path(path):
            rewrite["path"] = self._path(path, self.of.uri)
        return rewrite

    def keeps_path(self, path: Path) -> bool:
        """Whether the path cannot be rewritten, because its prefix is not known."""
        return self._prefix is not None and path.type == "RegularExpression"

    @property
    def _prefix(self) -> str | None:
        is_prefix = self.uri is not None and self.uri.kind is MatchKind.PREFIX
        return self.uri.value if self.uri is not None and is_prefix else None

    def _path(self, path: Path, new: str) -> Document:
        """A narrower path keeps its part after the rule's prefix."""
        if self._prefix is None:
            return {"type": "ReplaceFullPath", "replaceFullPath": new}
        new += path.value[len(self._prefix) :]
        if path.type == "PathPrefix":
            return {"type": "ReplacePrefixMatch", "replacePrefixMatch": new}
        return {"type": "ReplaceFullPath", "replaceFullPath": new}


def untold(actions: RuleActions) -> Iterator[str]:
    """The actions that an HTTPRoute of the standard channel does not support."""
    if actions.retries is not None:
        yield "retries"
    if actions.authority is not None and not _is_host(actions.authority):
        yield f"the host {actions.authority}"
    for of, changes in (
        ("request", actions.request_headers),
        ("response", actions.response_headers),
    ):
        if not _fits(changes):
            yield f"more than {_HEADERS} headers of the {of}"


def _fits(changes: HeaderChanges) -> bool:
    return all(len(part) <= _HEADERS for part in (changes.set, changes.add, changes.remove))


def _is_host(authority: str) -> bool:
    return _HOST.fullmatch(authority.lower()) is not None and len(authority) <= 253


def _changes(changes: HeaderChanges) -> Document:
    every = {
        "set": [{"name": name, "value": value} for name, value in changes.set],
        "add": [{"name": name, "value": value} for name, value in changes.add],
        "remove": list(changes.remove),
    }
    return {field: value for field, value in every.items() if value}
