"""Resources that the server answers without storing them: reviews, which are answered when they are
created, and lists that are read from the running mesh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from laneway.apiserver.failures import Failure, finding_causes
from laneway.apiserver.selectors import FIELDS
from laneway.apiserver.tokens import Identity
from laneway.model.findings import field_text
from laneway.schema import api_requests
from laneway.schema.fields import Shape
from laneway.schema.json_schema import STRUCTURAL, JsonSchema, object_schema
from laneway.schema.problems import problems

_ANYTHING: JsonSchema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_CREATE, _READ = ("create",), ("get", "list", "watch")


@dataclass(frozen=True, slots=True)
class VirtualKind:
    group: str
    versions: tuple[str, ...]
    name: str

    @property
    def api_versions(self) -> tuple[str, ...]:
        group = f"{self.group}/" if self.group else ""
        return tuple(f"{group}{version}" for version in self.versions)


@dataclass(frozen=True, slots=True)
class VirtualResource:
    """Like ``Resource``. ``spec`` is the shape of the object to create, or None for read-only
    resources."""

    kind: VirtualKind
    plural: str
    verbs: tuple[str, ...]
    spec: type[Shape] | None = None
    columns: tuple[Mapping[str, str], ...] = ()
    namespaced: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False
    selectable: tuple[str, ...] = FIELDS

    @property
    def group(self) -> str:
        return self.kind.group

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        return self.kind.name.lower()

    @property
    def schema(self) -> JsonSchema:
        if self.spec is None:
            return {**_ANYTHING, "properties": {}}
        spec = object_schema(self.spec, STRUCTURAL)
        return {"type": "object", "properties": {"spec": spec, "status": _ANYTHING}}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to create an object that is answered at once, with its sender.

    ``manager`` is the field manager that the request names.
    """

    spec: Shape
    identity: Identity
    manager: str
    dry_run: bool = False
    force: bool = False


def spec_of(resource: VirtualResource, body: Any) -> Shape:
    """The spec of the request. Raises ``Failure`` with a cause for each error."""
    assert resource.spec is not None
    kind = resource.kind
    if not isinstance(body, Mapping):
        raise Failure(400, f"the body is not an object of the kind {kind.name}")
    for name, right in (("apiVersion", kind.api_versions[0]), ("kind", kind.name)):
        if body.get(name) != right:
            raise Failure(400, f"{name} is {body.get(name)!r}, and must be {right!r} here")
    spec = body.get("spec", {})
    try:
        return resource.spec.model_validate(spec)
    except ValidationError as error:
        found = problems(error, resource.spec)
        texts = [f"{field_text(('spec', *each.path))}: {each.explanation}" for each in found]
        causes = finding_causes(found)
        for cause, each in zip(causes, found, strict=True):
            cause["field"] = field_text(("spec", *each.path))
        listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        message = f"{kind.name}.{kind.group} is invalid: {listed}"
        details = {"group": kind.group, "kind": kind.name}
        raise Failure(422, message, details=details, causes=causes) from error


def _resource(name: str, verbs: tuple[str, ...], **more: Any) -> VirtualResource:
    kind = VirtualKind(api_requests.GROUP, (api_requests.VERSION,), name)
    return VirtualResource(kind, more.pop("plural", f"{name.lower()}s"), verbs, **more)


def _column(name: str, path: str, kind: str = "string") -> Mapping[str, str]:
    return {"name": name, "type": kind, "jsonPath": path}


_AGE = _column("Age", ".metadata.creationTimestamp", "date")
CHANGE_SET = _resource("ChangeSet", _CREATE, spec=api_requests.ChangeSetSpec)
PREVIEW = _resource("Preview", _CREATE, spec=api_requests.PreviewSpec)
ROLLBACK = _resource("Rollback", _CREATE, spec=api_requests.RollbackSpec)
PROMOTION = _resource("Promotion", _CREATE, spec=api_requests.PromotionSpec)
EXPLANATION = _resource("Explanation", _CREATE, spec=api_requests.ExplanationSpec)
ANALYSIS = _resource("Analysis", _CREATE, plural="analyses", spec=api_requests.AnalysisSpec)
RENDERING = _resource("Rendering", _CREATE, spec=api_requests.RenderingSpec)
REQUEST_TRIAL = _resource("RequestTrial", _CREATE, spec=api_requests.RequestTrialSpec)
REVISION = _resource(
    "Revision",
    _READ,
    columns=(
        _column("Author", ".spec.author"),
        _column("Source", ".spec.source"),
        _column("Changes", ".status.summary"),
        _column("Message", ".spec.message"),
        _AGE,
    ),
)
PROXY = _resource(
    "Proxy",
    _READ,
    plural="proxies",
    columns=(
        _column("Connected", ".status.connected", "boolean"),
        _column("Synced", ".status.synced", "boolean"),
        _column("Last-Rejection", ".status.lastRejection.message"),
    ),
)
TRAFFIC = _resource(
    "Traffic",
    _READ,
    plural="traffic",
    columns=(
        _column("Requests", ".status.requests", "integer"),
        _column("Fallbacks", ".status.fallbacks", "integer"),
    ),
)
TOKEN = _resource("Token", ("create", "delete", "list"))


def _event(group: str, about: str, last_seen: str, message: str) -> VirtualResource:
    """``about`` and the others are names of fields, which differ between the API versions."""
    fields = ("apiVersion", "kind", "namespace", "name", "uid")
    return VirtualResource(
        VirtualKind(group, ("v1",), "Event"),
        "events",
        _READ,
        columns=(
            _column("Last Seen", f".{last_seen}", "date"),
            _column("Type", ".type"),
            _column("Reason", ".reason"),
            _column("Kind", f".{about}.kind"),
            _column("Object", f".{about}.name"),
            _column("Message", f".{message}"),
        ),
        namespaced=True,
        short_names=("ev",),
        selectable=(*FIELDS, *(f"{about}.{name}" for name in fields), "reason", "type"),
    )


#: Events for ``kubectl get events`` and ``kubectl describe``, and for newer clients.
CORE_EVENT = _event("", "involvedObject", "lastTimestamp", "message")
EVENT = _event("events.k8s.io", "regarding", "deprecatedLastTimestamp", "note")

#: All virtual resources, in the order of discovery.
VIRTUAL = (
    CHANGE_SET,
    PREVIEW,
    ROLLBACK,
    PROMOTION,
    EXPLANATION,
    ANALYSIS,
    RENDERING,
    REQUEST_TRIAL,
    REVISION,
    PROXY,
    TRAFFIC,
    TOKEN,
    CORE_EVENT,
    EVENT,
)


#: Those that laneway's operator answers, too, where laneway runs in a cluster.
IN_CLUSTERS = (CHANGE_SET, PREVIEW, EXPLANATION, ANALYSIS, RENDERING)
_PODS = "in a cluster, kubectl shows pods and their logs"
#: What only `laneway serve` and `laneway up` answer in the group, and what a cluster has instead.
ELSEWHERE: Mapping[str, str] = {
    REVISION.plural: "a cluster keeps no history",
    ROLLBACK.plural: "a cluster keeps no history",
    PROMOTION.plural: "in a cluster, `laneway promote` writes the lane group itself",
    REQUEST_TRIAL.plural: "in a cluster, the operator sends no requests",
    PROXY.plural: "in a cluster, istiod knows the proxies: `istioctl proxy-status`",
    TRAFFIC.plural: "in a cluster, Istio's metrics have the figures of services",
    TOKEN.plural: "in a cluster, its API server authenticates users",
    "processes": _PODS,
    "processactions": _PODS,
    "lanerequests": "in a cluster, the operator sends no requests",
    "proxyconfig": "in a cluster, istiod makes it: `istioctl proxy-config`",
    "synchronization": "in a cluster, istiod knows the proxies: `istioctl proxy-status`",
}


def elsewhere(plural: str) -> Failure:
    """What a cluster answers to a request for what only ``laneway serve`` has."""
    return Failure(404, f"`laneway serve` and `laneway up` have {plural}: {ELSEWHERE[plural]}")


@dataclass(frozen=True, slots=True)
class Answered:
    """The ``status`` of the answered object."""

    status: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of a list: at most ``limit`` objects (0: all) that follow ``after``."""

    limit: int = 0
    after: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """``last`` is where the next page begins, or "" if there is none. A watch that follows the list
    resumes from ``revision``."""

    items: Sequence[Mapping[str, Any]]
    last: str = ""
    revision: str = ""


#: Answers the request; raises ``Failure``.
Answer = Callable[[Asked], Awaitable[Answered]]


@dataclass(frozen=True, slots=True)
class Reader:
    """``get`` takes a namespace and a name. It returns None if there is no such object."""

    list: Callable[[Page], Awaitable[Listed]]
    get: Callable[[str, str], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Answering:
    """The functions behind the virtual resources, by their plurals."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)
