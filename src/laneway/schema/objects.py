"""What documents have in common: metadata, the envelope of an object, references to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from laneway.model.codes import Code
from laneway.model.names import DEFAULT_NAMESPACE, LABEL_PATTERN, ObjectName
from laneway.schema.field_metadata import About, ClusterBound, Constraint
from laneway.schema.fields import (
    SUBDOMAIN_PATTERN,
    Name,
    Opaque,
    Shape,
    Subdomain,
    Text,
    describe,
    wrong,
)


class Reference(Shape):
    """A namespaced object: ``{name, namespace}``, ``namespace/name``, or ``name``."""

    about = About("A namespaced object.", "一个带命名空间的对象。", "default/mocka")
    short_form = Constraint(
        "`name` or `namespace/name`",
        "`name` 或 `namespace/name`",
        pattern=f"({LABEL_PATTERN}/)?{SUBDOMAIN_PATTERN}",
    )
    summary = Constraint(
        "`name`, `namespace/name` or `{name, namespace}`",
        "`name`、`namespace/name` 或 `{name, namespace}`",
    )

    name: Annotated[Subdomain, About("The object's name.", "对象的名称。", "mocka")]
    namespace: Annotated[
        Name, About("The object's namespace.", "对象所在的命名空间。", "default")
    ] = DEFAULT_NAMESPACE

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        if not isinstance(value, str | Mapping):
            message = f"expected a name, got {describe(value)}"
            fix = "write name, namespace/name or {name, namespace}"
            raise wrong(message, fix, Code.WRONG_TYPE)
        return expand_reference(value)

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)

    @classmethod
    def to(cls, name: ObjectName) -> Self:
        return cls.of(name=name.name, namespace=name.namespace)


def expand_reference(value: object) -> object:
    """The long form of a reference written short; anything else as it is."""
    if not isinstance(value, str):
        return value
    namespace, slash, name = value.rpartition("/")
    return {"name": name, "namespace": namespace} if slash else {"name": name}


class Metadata(Shape):
    """Kubernetes' ObjectMeta. Fields that the API server fills in are accepted, and unused."""

    about = About("Name and labels, as in Kubernetes.", "名称和标签，与 Kubernetes 相同。", None)

    name: Annotated[
        Name, About("The object's name, unique for its kind.", "对象名称，同类对象中唯一。", "s2")
    ]
    namespace: Annotated[
        Name, About("The object's namespace.", "对象所在的命名空间。", "default")
    ] = DEFAULT_NAMESPACE
    labels: Annotated[
        dict[Text, Text], About("Labels, by key.", "标签，以键为键。", {"team": "shop"})
    ] = {}
    annotations: Annotated[
        dict[Text, Text],
        About("Annotations, by key.", "注解，以键为键。", {"shop.test/owner": "jack"}),
    ] = {}
    creation_timestamp: Opaque = None
    deletion_grace_period_seconds: Opaque = None
    deletion_timestamp: Opaque = None
    finalizers: Opaque = None
    generate_name: Opaque = None
    generation: Opaque = None
    managed_fields: Opaque = None
    owner_references: Opaque = None
    resource_version: Opaque = None
    self_link: Opaque = None
    uid: Opaque = None

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)


class Object(Shape):
    """What every document has besides its ``spec``."""

    api_version: Annotated[
        Text, About("Group and version of the kind.", "资源的组和版本。", "laneway.dev/v1alpha1")
    ]
    kind: Annotated[Text, About("The kind.", "资源的类型。", "Lane")]
    metadata: Annotated[Metadata, About("Name and labels.", "名称和标签。", {"name": "s2"})]
    status: Opaque = None


References = Annotated[list[Reference], Field(min_length=1), ClusterBound(1000)]


def names(references: list[Reference]) -> tuple[ObjectName, ...]:
    return tuple(reference.object_name for reference in references)


def references(names: Iterable[ObjectName]) -> list[Reference]:
    return [Reference.to(name) for name in names]
