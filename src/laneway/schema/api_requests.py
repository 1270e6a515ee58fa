"""What is asked of the kinds of ``api.laneway.dev``, which a server answers and does not keep.

These are the ``spec`` of objects that are created and answered at once, as Kubernetes'
SubjectAccessReview is.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import (
    EndToEndHeader,
    HeaderName,
    Host,
    Method,
    Name,
    Port,
    Shape,
    Subdomain,
    Text,
    wrong,
)

GROUP, VERSION = "api.laneway.dev", "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise wrong("the name of a field manager has only printable characters")
    return text


_SECONDS = Constraint("1 to 600", "1 至 600", minimum=1, maximum=600)
_NUMBER = Constraint("0 or more", "不小于 0", minimum=0)
_Object = Annotated[dict[str, Any], Constraint("an object", "一个对象")]
_Down = Annotated[
    list[Text],
    About("Workloads that are taken to be down.", "视为未就绪的工作负载。", ["mocka-v2"]),
]
_Revision = Annotated[
    int | None,
    Field(ge=0),
    _NUMBER,
    About("Ask about this revision; about now, if not given.", "所询问的版本；不填则为当前。", 7),
]
_Gateway = Annotated[
    Text | None,
    About(
        "The gateway, as `name` or `namespace/name`; the only one, if not given.",
        "网关，`name` 或 `namespace/name`；只有一个时可不填。",
        "istio-system/ingressgateway",
    ),
]
_GatewayPort = Annotated[
    Port | None,
    About("The gateway's port; its first, if not given.", "网关端口；默认第一个。", 80),
]
_Message = Annotated[
    Text,
    Field(max_length=1000),
    About("Why: history shows it.", "变更原因，显示在历史中。", "release 1.8"),
]


class ObjectReference(Shape):
    about = About("One object.", "一个对象。", None)

    api_version: Annotated[
        Text, About("Its group and version.", "资源的组和版本。", "laneway.dev/v1alpha1")
    ]
    kind: Annotated[Text, About("Its kind.", "资源的类型。", "Lane")]
    name: Annotated[Subdomain, About("Its name.", "对象的名称。", "s2")]
    namespace: Annotated[
        Name | None,
        About("Its namespace, if the kind has one.", "对象所在的命名空间。", "default"),
    ] = None


class ProposedChanges(Shape):
    """What a change set and a preview have in common."""

    source: Annotated[
        Text,
        Field(min_length=1, max_length=128),
        AfterValidator(_printable),
        About(
            "Whose objects these are: a field manager.", "这些对象的来源，即字段管理者。", "shop"
        ),
    ]
    objects: Annotated[
        list[_Object],
        About("What the source declares, in this order.", "该来源声明的对象，按此顺序。", []),
    ] = []
    deletions: Annotated[
        list[ObjectReference], About("What is to be deleted.", "要删除的对象。", [])
    ] = []
    prune: Annotated[
        bool,
        About(
            "Whether to delete what the source applied before and does not declare any more.",
            "是否删除该来源以前提交、如今不再声明的对象。",
            True,
        ),
    ] = False
    force: Annotated[
        bool,
        About(
            "Whether to take over fields and objects that other sources own.",
            "是否接管其他来源拥有的字段和对象。",
            True,
        ),
    ] = False


class ChangeSetSpec(ProposedChanges):
    message: _Message = ""
    wait: Annotated[
        bool,
        About(
            "Whether to answer only when the lanes and lane groups of the set are ready.",
            "是否等到其中的泳道和泳道组就绪后再应答。",
            True,
        ),
    ] = False
    timeout_seconds: Annotated[
        int,
        Field(ge=1, le=600),
        _SECONDS,
        About("How long `wait` waits.", "`wait` 的最长等待时间（秒）。", 60),
    ] = 60


class PreviewSpec(ProposedChanges):
    down: _Down = []


class RollbackSpec(Shape):
    revision: Annotated[
        int,
        Field(ge=1),
        Constraint("1 or more", "不小于 1", minimum=1),
        About("All objects become what they were then.", "将所有对象恢复到该版本。", 7),
    ]
    message: _Message = ""


class PromotionSpec(Shape):
    group: Annotated[Name, About("The lane group.", "泳道组。", "test")]
    lane: Annotated[Name, About("The lane that becomes the baseline.", "成为基线的泳道。", "s2")]
    services: Annotated[
        list[Text],
        About("Of these services; all of the lane's, if empty.", "仅这些服务；不填则为全部。", []),
    ] = []
    undo: Annotated[
        bool,
        About(
            "Whether to restore the baselines from before the lane was promoted.",
            "是否恢复该泳道成为基线之前的设置。",
            True,
        ),
    ] = False
    force: Annotated[
        bool,
        About(
            "Whether to take over baselines that another source has set.",
            "是否接管其他来源设置的基线。",
            True,
        ),
    ] = False
    message: _Message = ""


class AskedRequest(Shape):
    about = About("A request at a gateway.", "发往网关的请求。", None)

    host: Annotated[Text, About("The host.", "请求的域名。", "localhost")] = "localhost"
    path: Annotated[Text, About("The path, with its query.", "路径，含查询参数。", "/mock")] = "/"
    method: Annotated[Method, About("The method.", "请求方法。", "GET")] = "GET"
    headers: Annotated[
        dict[HeaderName, Text], About("Headers, by name.", "请求头，以名称为键。", {"x-lane": "s2"})
    ] = {}


class ExplanationSpec(Shape):
    request: Annotated[AskedRequest, About("The request.", "请求。", None)] = AskedRequest()
    gateway: _Gateway = None
    port: _GatewayPort = None
    down: _Down = []
    revision: _Revision = None


class AnalysisSpec(Shape):
    down: _Down = []
    revision: _Revision = None


class RenderingSpec(Shape):
    dialect: Annotated[Text, About("The dialect.", "方言。", "istio")]
    gateway_class: Annotated[
        Host | None,
        About("With gateway-api: the class of gateways.", "用于 gateway-api：网关类。", "istio"),
    ] = None
    revision: _Revision = None


_AUTHORITY = r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?"
_TARGET = r"/[!-~]*"
_LONGEST = 8192


def _authority(text: str) -> str:
    if not re.fullmatch(_AUTHORITY, text):
        raise wrong(f"`{text}` is not a host", "write a domain, perhaps with a port: shop.test")
    return text


def _target(text: str) -> str:
    if not re.fullmatch(_TARGET, text):
        raise wrong(
            "the path has characters that a request line cannot have",
            "begin it with / and write others than ASCII, and spaces, as %E6%B3%B3",
        )
    return text


def _field_value(text: str) -> str:
    # RFC 9110, 5.5: visible ASCII, and spaces and tabs between.
    if not re.fullmatch(r"([!-~]([ \t!-~]*[!-~])?)?", text):
        raise wrong(
            "the header's value has characters that a header cannot have",
            "write visible ASCII characters, with spaces between them",
        )
    return text


class SentRequest(Shape):
    """As ``AskedRequest``, but safe to be sent: its parts cannot break out of their lines."""

    about = About("A request without a body.", "不带请求体的请求。", None)

    host: Annotated[
        Text,
        AfterValidator(_authority),
        Constraint("a domain, perhaps with a port", "域名，可带端口", pattern=_AUTHORITY),
        About(
            "The Host header. The request goes to the gateway whatever the host is.",
            "Host 请求头。无论填写什么，请求都只发往网关。",
            "localhost",
        ),
    ] = "localhost"
    path: Annotated[
        Text,
        Field(max_length=_LONGEST),
        AfterValidator(_target),
        Constraint(
            "visible ASCII that begins with /", "以 / 开头的可见 ASCII 字符", pattern=_TARGET
        ),
        About("The path, with its query.", "路径，含查询参数。", "/mock"),
    ] = "/"
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        About("The method.", "请求方法。", "GET"),
    ] = "GET"
    headers: Annotated[
        dict[
            EndToEndHeader,
            Annotated[
                Text,
                Field(max_length=_LONGEST),
                AfterValidator(_field_value),
                Constraint("visible ASCII", "可见 ASCII 字符"),
            ],
        ],
        Field(max_length=50),
        About("Headers, by name.", "请求头，以名称为键。", {"x-lane": "s2"}),
    ] = {}


class RequestTrialSpec(Shape):
    request: Annotated[SentRequest, About("The request.", "请求。", None)] = SentRequest()
    gateway: _Gateway = None
    port: _GatewayPort = None
    count: Annotated[
        int,
        Field(ge=1, le=100),
        Constraint("1 to 100", "1 至 100", minimum=1, maximum=100),
        About("How many such requests are sent.", "发送的请求数。", 10),
    ] = 1
