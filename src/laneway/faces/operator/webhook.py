"""The validating webhook: AdmissionReview in, AdmissionReview out, over HTTPS.

It says at ``kubectl apply`` what the condition Accepted would say a second later. It writes nothing
anywhere, so a dry run is answered like any other request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from laneway.faces.operator.certificates import Certificate
from laneway.faces.operator.serving import serve
from laneway.model.findings import Finding
from laneway.operator.admission import Verdict
from laneway.operator.manifests import Manifest

Judge = Callable[[Manifest, Manifest | None], Awaitable[Verdict]]

PATH = "/validate"
#: An object has at most 3 MiB in a request, and an update brings two.
MOST_BYTES = 8 * 1024 * 1024
#: What the API server passes on of one warning, and of all of them.
WARNING, WARNINGS = 256, 4096

_VERSION = "admission.k8s.io/v1"
_KINDS = ("LaneGroup", "Lane")


class Malformed(ValueError):
    """It is no AdmissionReview of the version that the webhook declares."""


async def review(body: bytes, judge: Judge) -> dict[str, Any]:
    """The answer to a review. Raises ``Malformed``."""
    request = _request(body)
    verdict = await _verdict(request, judge)
    response: dict[str, Any] = {"uid": request["uid"], "allowed": not verdict.denials}
    if verdict.denials:
        response["status"] = {
            "code": 422,
            "reason": "Invalid",
            "message": "\n".join(map(_text, verdict.denials)),
        }
    if verdict.warnings:
        response["warnings"] = _shortened([_text(f) for f in verdict.warnings])
    return {"apiVersion": _VERSION, "kind": "AdmissionReview", "response": response}


def _request(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "AdmissionReview":
        raise Malformed("expected an AdmissionReview")
    if document.get("apiVersion") != _VERSION:
        raise Malformed(f"expected {_VERSION}, not {document.get('apiVersion')}")
    request = document.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("uid"), str):
        raise Malformed("the AdmissionReview has no request with a uid")
    return request


async def _verdict(request: Mapping[str, Any], judge: Judge) -> Verdict:
    """Requests that need no decision, such as deletions, are allowed."""
    candidate, before = request.get("object"), request.get("oldObject")
    if request.get("operation") not in ("CREATE", "UPDATE"):
        return Verdict()
    if not isinstance(candidate, dict) or not isinstance(candidate.get("metadata"), dict):
        raise Malformed(f"the request to {request['operation']} has no object with metadata")
    if candidate.get("kind") not in _KINDS:
        return Verdict()
    metadata = {"name": request.get("name") or "", **candidate["metadata"]}
    replaced = before if isinstance(before, dict) else None
    return await judge({**candidate, "metadata": metadata}, replaced)


def _text(finding: Finding) -> str:
    """``UNKNOWN_FIELD: spec.servces: ...``; of which object, the API server says itself."""
    return f"{finding.code}: {finding.subject}, {finding.field_explanation}"


def _shortened(texts: Sequence[str]) -> list[str]:
    """The API server cuts a text anywhere and drops what is too much: better say so."""
    shown = [text if len(text) <= WARNING else f"{text[: WARNING - 1]}…" for text in texts]
    most = WARNINGS // WARNING
    if len(shown) > most:
        shown[most - 1 :] = [f"and {len(shown) - most + 1} more: see the condition Accepted"]
    return shown


def application(judge: Judge) -> web.Application:
    async def validate(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            answer = await review(body, judge)
        except Malformed as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.json_response(answer)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_post(PATH, validate)
    return app


@asynccontextmanager
async def serving(judge: Judge, folder: Path, host: str, port: int) -> AsyncIterator[int]:
    """Serves with the certificate in ``folder``, from when there is one; gives the port."""
    certificate = Certificate(folder)
    following = asyncio.create_task(certificate.follow())
    try:
        await certificate.loaded.wait()
        async with serve(application(judge), host, port, certificate.context) as bound:
            yield bound
    finally:
        following.cancel()
        await asyncio.wait([following])
