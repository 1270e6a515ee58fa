"""Names: how objects are identified, and which strings are valid where.

All other modules of ``model`` build on it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

DEFAULT_NAMESPACE = "default"

# RFC 1123 label, as Kubernetes uses for namespaces, services and (here) lanes: a lane's name is
# also an Istio subset's name, a cluster name's component and a header's value.
LABEL_PATTERN = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# RFC 9110 section 5.6.2, `token`.
HEADER_PATTERN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

_LABEL = re.compile(LABEL_PATTERN)
_HEADER = re.compile(HEADER_PATTERN)


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """A namespaced name, written ``namespace/name`` wherever people read or write it."""

    namespace: str
    name: str

    @classmethod
    def of(cls, text: str) -> ObjectName:
        """Of ``namespace/name``, or of a name in the default namespace."""
        namespace, _, name = text.rpartition("/")
        return cls(namespace or DEFAULT_NAMESPACE, name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def short(self) -> str:
        """The name alone in the default namespace, where ``of`` reads it."""
        return self.name if self.namespace == DEFAULT_NAMESPACE else str(self)

    @property
    def host(self) -> str:
        """The cluster-internal DNS name of the service so named."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"


def find_name(text: str, known: Collection[ObjectName]) -> ObjectName | None:
    """The one of ``known`` that ``text`` means: a name alone may be of any namespace, if only one
    has it."""
    wanted = ObjectName.of(text)
    if wanted in known:
        return wanted
    alone = not text.rpartition("/")[0]
    same = [each for each in known if alone and each.name == wanted.name]
    return same[0] if len(same) == 1 else None


def is_label(text: str) -> bool:
    """Whether ``text`` is an RFC 1123 label: at most 63 of ``a-z``, ``0-9`` and inner ``-``."""
    return _LABEL.fullmatch(text) is not None


def is_header(text: str) -> bool:
    """Whether ``text`` is a legal HTTP header name (a token of RFC 9110, not a pseudo-header)."""
    return _HEADER.fullmatch(text) is not None
