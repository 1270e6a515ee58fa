"""The registry: which kind a document is of. Knows every kind, and names the near miss."""

from __future__ import annotations

import re

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import Declared
from laneway.model.lanes import Lane
from laneway.model.suggestions import listing, nearest, suggestion
from laneway.schema import asm, foreign, istio, kubernetes, laneway, workload
from laneway.schema.documents import Document
from laneway.schema.fields import SUBDOMAIN_PATTERN, describe
from laneway.schema.kind import Kind

KINDS: tuple[Kind, ...] = (
    *laneway.KINDS,
    *workload.KINDS,
    *kubernetes.KINDS,
    *istio.KINDS,
    *asm.KINDS,
)
_BY_API = {(api, kind.name): kind for kind in KINDS for api in kind.api_versions}
_BY_NAME = {kind.name: kind for kind in KINDS}
_NAMES_BY_GROUP = {
    group: [kind.name for kind in KINDS if kind.group == group]
    for group in dict.fromkeys(kind.group for kind in KINDS)
}
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?")
_GROUP = re.compile(SUBDOMAIN_PATTERN)
_API_VERSIONS = tuple(dict.fromkeys(api for kind in KINDS for api in kind.api_versions))


def kind_of(document: Document) -> tuple[Kind | None, Finding | None]:
    """The document's kind, or why it has none that laneway reads.

    With a misspelt apiVersion the kind is known all the same, so that the rest is read too.
    """
    data = document.data
    if not (isinstance(data, dict) and {"apiVersion", "kind"} <= data.keys()):
        instead = foreign.what_to_do_with(document.source.file, data)
        if instead is not None:
            return None, _passed_over("it is no Kubernetes object: it is passed over", instead)
    if not isinstance(data, dict):
        message = f"expected an object, got {describe(data)}"
        return None, Finding(Code.NOT_AN_OBJECT, message, "begin with apiVersion and kind")
    api, name = data.get("apiVersion"), data.get("kind")
    for field, value in (("apiVersion", api), ("kind", name)):
        if not isinstance(value, str) or not value:
            return None, _no_text(field, field in data, value, _BY_NAME.get(str(name)))
    assert isinstance(api, str)
    assert isinstance(name, str)
    kind = _BY_API.get((api, name))
    if kind is not None:
        return kind, None
    group, _, version = api.rpartition("/")
    is_core = not group and _VERSION.fullmatch(version)
    if (is_core or _GROUP.fullmatch(group)) and foreign.is_foreign(group, name, _NAMES_BY_GROUP):
        message = f"{api} {name} is not a kind that laneway reads: it is passed over"
        fix = foreign.fix_for(group, name, {k: v.api_versions[0] for k, v in _BY_NAME.items()})
        return None, _passed_over(message, fix, ("kind",))
    if name in _BY_NAME:
        return _BY_NAME[name], _unknown_api(api, _BY_NAME[name])
    return None, _unknown_kind(api, name)


def _passed_over(message: str, fix: str, path: Path = ()) -> Finding:
    return Finding(Code.IGNORED_KIND, message, fix, path=path, severity=Severity.WARNING)


def _no_text(field: str, given: bool, value: object, kind: Kind | None) -> Finding:
    path: Path = (field,)
    if not given:
        fix = "every document begins with apiVersion and kind"
        if kind is not None:
            fix = f"{kind.name} is of {kind.api_versions[0]}"
        return Finding(Code.MISSING_FIELD, f"the field `{field}` is missing", fix, path=path)
    message = f"`{field}`: expected some text, got {describe(value)}"
    return Finding(Code.WRONG_TYPE, message, path=path)


def _unknown_api(api: str, kind: Kind) -> Finding:
    fix = suggestion(api, kind.api_versions, f"{kind.name} is of {' or '.join(kind.api_versions)}")
    message = f"`{api}` has no kind {kind.name} that laneway reads"
    return Finding(Code.UNKNOWN_API_VERSION, message, fix, path=("apiVersion",))


def _unknown_kind(api: str, name: str) -> Finding:
    here = [kind.name for kind in KINDS if api in kind.api_versions]
    meant = nearest(name, here or _BY_NAME)
    if here or meant:
        message = f"unknown kind `{name}`"
        fix = f"did you mean {meant}?" if meant else f"the kinds here are {listing(here)}"
        return Finding(Code.UNKNOWN_KIND, message, fix, path=("kind",))
    fix = suggestion(api, _API_VERSIONS, f"laneway reads {listing(_API_VERSIONS)}")
    message = f"unknown apiVersion `{api}`"
    return Finding(Code.UNKNOWN_API_VERSION, message, fix, path=("apiVersion",))


def kind_that_writes(declared: Declared) -> Kind:
    """The first kind that declares such objects; laneway's own stand first.

    ASM's weighted lanes take the conditions of their group's rules until group defaults are filled
    in. Only ASM's own kind can say so.
    """
    if isinstance(declared, Lane) and not all(rule.hosts for rule in declared.ingress):
        return asm.LANE
    return next(kind for kind in KINDS if kind.declares is type(declared))
