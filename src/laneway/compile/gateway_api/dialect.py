"""Gateway API, as a dialect: for Istio's ambient mode, Linkerd, Cilium and Kuma."""

from __future__ import annotations

from functools import partial

from laneway.compile.dialect import Dialect, Emit
from laneway.compile.equality_subsets import refused_groups
from laneway.compile.gateway_api.documents import emit
from laneway.compile.gateway_api.kinds import KINDS
from laneway.compile.gateway_api.limits import PLATFORM, limits
from laneway.compile.gateway_api.options import Options


def _emitter(options: Options) -> Emit:
    return lambda mesh, routes: emit(mesh, routes, options)


DIALECT = Dialect(_emitter, limits, KINDS, refuse=partial(refused_groups, platform=PLATFORM))
