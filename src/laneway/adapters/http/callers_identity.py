"""Who a caller is in a cluster, and what the console may offer.

The API server answers both, to the caller's own token: every authenticated user may ask (the
ClusterRoles ``system:basic-user`` and ``system:discovery``). The console shows no button for what
it would refuse.
"""

from __future__ import annotations

import asyncio
from typing import Any

from laneway.adapters.http.administration import API_VERSION
from laneway.adapters.http.callers_documents import callers_document
from laneway.apiserver.callers_api import CallersApi
from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import IN_CLUSTERS
from laneway.schema.api_requests import GROUP

_WHO = ("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews")
_MAY = ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews")
#: What the console does to an object that it lets users edit.
EDITS = ("create", "update", "patch", "delete")
EDITED = ("lanegroups", "lanes")


async def callers_identity(api: CallersApi, token: str) -> dict[str, Any]:
    """``edits`` are the resources that the caller may edit, and ``serves`` those of
    ``api.laneway.dev`` that are served and that the caller may create. Raises ``Failure``."""
    review = await _review(api, token, _WHO, {})
    edits, serves = await asyncio.gather(_edits(api, token), _serves(api, token))
    user = review.get("status", {}).get("userInfo", {})
    status = {
        "name": str(user.get("username", "")),
        "scopes": [],
        "edits": edits,
        "serves": serves,
    }
    return {"kind": "Identity", "apiVersion": API_VERSION, "status": status}


async def _edits(api: CallersApi, token: str) -> list[str]:
    return [
        plural
        for plural in EDITED
        if all([await _may(api, token, verb, "laneway.dev", plural) for verb in EDITS])
    ]


async def _serves(api: CallersApi, token: str) -> list[str]:
    try:
        served = await callers_document(api, token, "GET", f"/apis/{API_VERSION}")
    except Failure:
        return []  # without `api.enabled`, or while no replica answers
    names = {each.get("name") for each in served.get("resources") or ()}
    plurals = [each.plural for each in IN_CLUSTERS if each.plural in names]
    return [each for each in plurals if await _may(api, token, "create", GROUP, each)]


async def _may(api: CallersApi, token: str, verb: str, group: str, resource: str) -> bool:
    asked = {"verb": verb, "group": group, "resource": resource}
    review = await _review(api, token, _MAY, {"resourceAttributes": asked})
    return bool(review.get("status", {}).get("allowed"))


async def _review(
    api: CallersApi, token: str, kind: tuple[str, str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    version, name, plural = kind
    body = {"apiVersion": version, "kind": name, **({"spec": spec} if spec else {})}
    return await callers_document(api, token, "POST", f"/apis/{version}/{plural}", body)
