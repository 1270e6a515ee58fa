"""A cluster's objects with the record of who owns which field, as changes are composed from them.

What the operator watches lacks that record, since most of a cluster's memory would go into it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import NotFound
from laneway.adapters.kube.resources import DECLARED, GATEWAYS, SERVICES, Resource
from laneway.adapters.kube.retained_fields import trim_of
from laneway.apiserver.cluster_change_sets import Step
from laneway.control.revisions import Manifest, ObjectId, Objects, StoredObject
from laneway.operator.acceptance import by_age

_CONTEXT = {each.kind: each for each in (SERVICES, GATEWAYS)}
_BY_PLURAL = {each.plural: each for each in (*DECLARED, SERVICES, GATEWAYS)}
_AT_ONCE = 8


def resource_of(key: ObjectId) -> Resource:
    return _BY_PLURAL[key.resource.partition(".")[0]]


async def declared_objects(client: Client) -> dict[ObjectId, StoredObject]:
    """All lane groups and lanes, the oldest first. Raises ``ClusterError``."""
    found: list[Manifest] = []
    for resource in DECLARED:
        items, _ = await client.list(resource)
        found += ({**_typed(resource), **item} for item in items)
    return {_key(each): _stored(each) for each in by_age(found)}


async def named_context(client: Client, steps: Iterable[Step]) -> dict[ObjectId, StoredObject]:
    """The services and gateways among what is named, where they exist. Raises ``ClusterError``."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def read(key: ObjectId) -> StoredObject | None:
        async with slots:
            try:
                item = await client.get(resource_of(key), key.namespace, key.name)
            except NotFound:
                return None
        return _stored(_trimmed({**_typed(resource_of(key)), **item}))

    keys = dict.fromkeys(s.key for s in steps if resource_of(s.key).kind in _CONTEXT)
    found = await asyncio.gather(*map(read, keys))
    return {key: each for key, each in zip(keys, found, strict=True) if each is not None}


def trimmed_bodies(bodies: Collection[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Without the fields of a Service that a cluster has and laneway does not."""
    return [_trimmed_body(dict(each)) for each in bodies]


def _trimmed_body(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("kind") != SERVICES.kind:
        return body
    try:
        trimmed = trim_of(SERVICES)(body)
    except (AttributeError, KeyError, TypeError):
        return body  # what is wrong with it is found later
    metadata = {k: v for k, v in body["metadata"].items() if k in ("labels", "annotations")}
    return {**trimmed, "metadata": {**metadata, **trimmed["metadata"]}}


def _trimmed(item: dict[str, Any]) -> dict[str, Any]:
    owners = item["metadata"].get("managedFields") or []
    trimmed = trim_of(_CONTEXT[item["kind"]])(item)
    metadata = {"generation": 1, **trimmed["metadata"], "managedFields": owners}
    return {**trimmed, "metadata": metadata}


def with_writes(objects: Objects, writes: Mapping[ObjectId, Manifest | None]) -> list[Manifest]:
    """The objects as they would be."""
    after: dict[ObjectId, Manifest | None] = {k: each.manifest for k, each in objects.items()}
    after |= writes
    return [manifest for manifest in after.values() if manifest is not None]


def _stored(manifest: Manifest) -> StoredObject:
    version = str(manifest["metadata"].get("resourceVersion", ""))
    return StoredObject(manifest, int(version) if version.isdecimal() else 0, 0)


def _key(manifest: Manifest) -> ObjectId:
    metadata = manifest["metadata"]
    resource = next(each for each in _BY_PLURAL.values() if each.kind == manifest["kind"])
    qualified = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    return ObjectId(qualified, metadata.get("namespace", ""), metadata["name"])


def _typed(resource: Resource) -> dict[str, str]:
    """Items of a list do not say what they are."""
    return {"apiVersion": resource.api_version, "kind": resource.kind}
