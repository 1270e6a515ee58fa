"""Annotations and labels of laneway's own prefix, in objects of every kind.

Kubernetes takes any key, so a misspelt one would be passed over in silence. The prefix
``laneway.dev/`` is laneway's: a key of it that means nothing is an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.suggestions import nearest, suggestion
from laneway.schema.documents import Document
from laneway.schema.kind import no_effect

PREFIX = "laneway.dev"
#: The annotation that fixes the port a gateway's server listens at on this machine:
#: ``80=18080,81=0``; 0 lets the runner choose. In a LaneGroup, that of the gateway which is assumed
#: if none is declared.
LISTEN_PORTS = f"{PREFIX}/listen-ports"

#: The kinds that obey a key; none for what laneway writes into what it generates, which may well
#: be read again.
_ANNOTATIONS: Mapping[str, frozenset[str] | None] = {
    LISTEN_PORTS: frozenset({"Gateway", "LaneGroup"}),
    f"{PREFIX}/groups": None,
    f"{PREFIX}/content": None,
}
_LABELS: Mapping[str, frozenset[str] | None] = {f"{PREFIX}/group": None}


def own_metadata(document: Document, kind: str) -> Iterator[Finding]:
    """Errors of keys that nobody knows, and warnings of those that do nothing in this kind."""
    for field, known in (("annotations", _ANNOTATIONS), ("labels", _LABELS)):
        keys = document.get("metadata", field)
        if isinstance(keys, Mapping):
            yield from _keys(keys, ("metadata", field), known, kind)


def listen_ports(
    annotations: Mapping[str, str], declared: Collection[int], whose: str
) -> tuple[dict[int, int], list[Finding]]:
    """The ports to listen at by the ports of a gateway, which has those ``declared``."""
    path = ("metadata", "annotations", LISTEN_PORTS)
    listens: dict[int, int] = {}
    findings = []
    for part in filter(None, re.split(r"[\s,]+", annotations.get(LISTEN_PORTS, ""))):
        match = re.fullmatch(r"([0-9]{1,5})=([0-9]{1,5})", part)
        if not match or int(match[2]) > 65535:
            message, fix = f"`{part}` fixes no port", "write port=listen pairs, as in 80=18080"
            findings.append(Finding(Code.INVALID_VALUE, message, fix, path=path))
        elif int(match[1]) not in declared:
            fix = f"its ports: {', '.join(map(str, sorted(declared)))}"
            message = f"no server of {whose} has port {match[1]}"
            findings.append(Finding(Code.UNKNOWN_PORT, message, fix, path=path))
        else:
            listens[int(match[1])] = int(match[2])
    return listens, findings


def _keys(
    keys: Iterable[object], path: Path, known: Mapping[str, frozenset[str] | None], kind: str
) -> Iterator[Finding]:
    for key in keys:
        if not isinstance(key, str):
            continue
        if key in known:
            kinds = known[key]
            if kinds is not None and kind not in kinds:
                why = f"a {kind} does not have it, a {' or '.join(sorted(kinds))} does"
                yield no_effect((*path, key), why, "remove it")
        elif _means_ours(key, known):
            message = f"laneway has no {str(path[-1])[:-1]} `{key}`"
            otherwise = f"laneway knows {', '.join(known)}"
            fix = suggestion(key, known, otherwise)
            yield Finding(Code.UNKNOWN_FIELD, message, fix, path=(*path, key))


def _means_ours(key: str, known: Iterable[str]) -> bool:
    """Of laneway's prefix; or of one like it, and with a name like one of laneway's."""
    prefix, slash, name = key.partition("/")
    if prefix.lower() == PREFIX:
        return True
    names = [own.partition("/")[2] for own in known]
    if not slash:
        return nearest(key, known) is not None
    return nearest(prefix, [PREFIX]) is not None and nearest(name, names) is not None
