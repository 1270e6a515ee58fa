"""The lane filter as a native module of Envoy (a "dynamic module").

Its two extensions are configured by ``TypedStruct``, because the published protos for Python lack
their messages.
"""

from __future__ import annotations

from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.config.core.v3 import extension_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from xds.type.v3 import typed_struct_pb2

from laneway.compile.envoy.lane_filter import configuration, name
from laneway.compile.envoy.options import FilterModule
from laneway.compile.envoy.protobuf import packed
from laneway.compile.ir import Propagated

_TYPES = "type.googleapis.com/envoy.extensions"
_MUTATION = (
    f"{_TYPES}.http.early_header_mutation.dynamic_modules.v3.DynamicModuleEarlyHeaderMutation"
)
_ACCESS_LOG = f"{_TYPES}.access_loggers.dynamic_modules.v3.DynamicModuleAccessLog"


def mutation(
    direction: str, propagated: Propagated, module: FilterModule
) -> extension_pb2.TypedExtensionConfig:
    return extension_pb2.TypedExtensionConfig(
        name=name(direction, propagated),
        typed_config=_typed(_MUTATION, "early_header_mutation", direction, propagated, module),
    )


def access_logger(
    direction: str, propagated: Propagated, module: FilterModule
) -> accesslog_pb2.AccessLog:
    return accesslog_pb2.AccessLog(
        name=name(direction, propagated),
        typed_config=_typed(_ACCESS_LOG, "logger", direction, propagated, module),
    )


def _typed(
    type_url: str, kind: str, direction: str, propagated: Propagated, module: FilterModule
) -> AnyMessage:
    """``kind`` is the prefix of the message's fields. The name that the module is told is the
    group's: it counts for each group apart."""
    value: dict[str, Any] = {
        "dynamic_module_config": {
            "module": {"local": {"filename": module.path}},
            # Its memory must survive the listeners that use it.
            "do_not_close": True,
        },
        f"{kind}_name": propagated.group,
        f"{kind}_config": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration(direction, propagated),
        },
    }
    struct = ParseDict(value, Struct())
    return packed(typed_struct_pb2.TypedStruct(type_url=type_url, value=struct))
