"""Validates a single object, and its unknown fields as strictly as the request demands.

Errors between objects do not make a single write fail: the object is stored, it stays inactive, and
its status says why, as with the operator in a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.apiserver.failures import Failure, finding_causes
from laneway.apiserver.object_metadata import metadata_findings
from laneway.apiserver.resources import Resource
from laneway.apiserver.structure import copied
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity, Source, field_text
from laneway.schema import Document, read_alone
from laneway.schema.json_schema import JsonSchema
from laneway.schema.statuses import status_findings

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
VALIDATIONS = (STRICT, WARN, IGNORE)
#: The metadata that users write; the server owns the rest.
_METADATA = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True, slots=True)
class Valid:
    """The object as it will be stored, and warnings for the client."""

    manifest: dict[str, Any]
    warnings: tuple[str, ...] = ()


def validated(resource: Resource, manifest: Mapping[str, Any], mode: str) -> Valid:
    """``mode`` is the handling of unknown fields (``fieldValidation``). Raises ``Failure``."""
    kept = _with_defaults(manifest, resource.schema)
    return _accepted(resource, kept, mode, lambda: _findings(kept, resource))


def validated_status(resource: Resource, manifest: Mapping[str, Any], mode: str) -> Valid:
    """The same for a write that changes the status alone."""
    kept = {**manifest}
    if isinstance(manifest.get("status"), Mapping):
        kept["status"] = copied(manifest["status"])
    name = resource.kind.name
    return _accepted(resource, kept, mode, lambda: status_findings(name, kept.get("status")))


def _accepted(
    resource: Resource, kept: dict[str, Any], mode: str, find: Callable[[], list[Finding]]
) -> Valid:
    """Drops unknown fields from ``kept``, where they are not refused."""
    findings = find()
    unknown = [finding for finding in findings if finding.code == Code.UNKNOWN_FIELD]
    warnings: list[str] = []
    if unknown:
        texts = [f'unknown field "{field_text(each.path)}"' + _hint(each) for each in unknown]
        if mode == STRICT:
            raise Failure(400, "strict decoding error: " + ", ".join(texts))
        if mode == WARN:
            warnings += texts
        for finding in unknown:
            _remove(kept, finding.path)
        findings = find()
    if errors := [each for each in findings if each.severity is Severity.ERROR]:
        raise invalid(resource, kept, errors)
    warnings += [each.field_explanation for each in findings if each.severity is Severity.WARNING]
    return Valid(kept, tuple(warnings))


def _findings(manifest: Mapping[str, Any], resource: Resource) -> list[Finding]:
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name in _METADATA and value
    }
    if not resource.namespaced:
        metadata.pop("namespace", None)
    written = {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": metadata}
    document = Document(written, Source(manifest["metadata"]["name"], None))
    return [*read_alone(document).findings, *metadata_findings(manifest["metadata"])]


def _hint(finding: Finding) -> str:
    return f" ({finding.fix})" if finding.fix else ""


def invalid(resource: Resource, manifest: Mapping[str, Any], errors: list[Finding]) -> Failure:
    """The refusal of an object with these errors."""
    name = manifest["metadata"]["name"]
    texts = [f"{field_text(each.path)}: {each.explanation}" for each in errors]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return Failure(
        422,
        f'{resource.kind.name}.{resource.group} "{name}" is invalid: {listed}'.replace('. "', ' "'),
        details={"name": name, "group": resource.group, "kind": resource.kind.name},
        causes=finding_causes(errors),
    )


def _remove(manifest: dict[str, Any], path: Path) -> None:
    container: Any = manifest
    for part in path[:-1]:
        container = container[part]
    del container[path[-1]]


def with_item_defaults(value: Any, schema: JsonSchema) -> Any:
    """The object with defaults filled in, but only in items of lists."""
    if isinstance(value, Mapping):
        parts = schema.get("properties", {})
        return {
            name: with_item_defaults(each, parts[name]) if name in parts else each
            for name, each in value.items()
        }
    if isinstance(value, list) and "items" in schema:
        return [_defaulted(item, schema["items"]) for item in value]
    return value


def _with_defaults(manifest: Mapping[str, Any], schema: JsonSchema) -> dict[str, Any]:
    """Fills in defaults as Kubernetes does before it stores an object."""
    result = _defaulted(manifest, schema)
    assert isinstance(result, dict)
    return result


def _defaulted(value: Any, schema: JsonSchema) -> Any:
    if isinstance(value, Mapping):
        result = dict(value)
        for name, part in schema.get("properties", {}).items():
            if name in result:
                result[name] = _defaulted(result[name], part)
            elif "default" in part:
                result[name] = part["default"]
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            result = {name: _defaulted(each, dict(more)) for name, each in result.items()}
        return result
    if isinstance(value, list) and "items" in schema:
        return [_defaulted(item, schema["items"]) for item in value]
    return value
