"""Finds conflicts between generated objects and the user's own objects in a cluster.

Istio allows several objects for one host, and has its own rules of precedence between them. Most
users have such objects before they use lanes, and would not notice that lanes have no effect.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from laneway.model.existing_objects import ExistingObject
from laneway.model.findings import Finding, warning_about
from laneway.model.hosts import host_covers

Manifest = Mapping[str, Any]
_MESH = "mesh"
_ANYWHERE = "*"
_IN_CLUSTER = ".svc.cluster.local"


def conflicts(existing: Iterable[ExistingObject], generated: Iterable[Manifest]) -> list[Finding]:
    """Warnings about the user's objects, in their order."""
    manifests = [manifest for manifest in generated if "kind" in manifest]
    findings: list[Finding] = []
    for own in existing:
        findings += _replaced(own, manifests)
        beside = [manifest for manifest in manifests if not _is_same(own, manifest)]
        if own.kind == "VirtualService":
            findings += _in_the_mesh(own, beside)
            findings += _at_gateways(own, beside)
        elif own.kind == "DestinationRule":
            findings += _destinations(own, beside)
    return findings


def _is_same(own: ExistingObject, manifest: Manifest) -> bool:
    metadata, group = manifest["metadata"], manifest["apiVersion"].rpartition("/")[0]
    place = (metadata.get("namespace"), metadata["name"])
    name = (own.name.namespace, own.name.name)
    return (group, manifest["kind"], *place) == (own.api_group, own.kind, *name)


def _replaced(own: ExistingObject, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    if any(_is_same(own, manifest) for manifest in manifests):
        yield warning_about(own.key, ("metadata", "name"))(
            "EXISTING_OBJECT_REPLACED",
            f"a {own.kind} of this very name is among the documents: to apply them would replace "
            "yours",
            "give yours another name",
        )


def _in_the_mesh(own: ExistingObject, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    if own.gateways and _MESH not in own.gateways:
        return
    hosts = {own.full_host(host) for host in own.hosts}
    for manifest in _of_kind("VirtualService", manifests):
        if "gateways" not in manifest["spec"]:
            yield from _hidden(own, hosts, manifest, "calls to")
            for host in sorted(hosts.intersection(manifest["spec"]["hosts"])):
                yield warning_about(own.key, ("spec", "hosts"))(
                    "EXISTING_MESH_ROUTES",
                    f"it routes {host} in the mesh, as VirtualService {_name(manifest)} does. "
                    "Istio takes the older of the two: while that is yours, lanes of the service "
                    "have no effect",
                    "remove the host, or the object",
                )
            yield from _shortened(own, hosts, manifest)


def _shortened(
    own: ExistingObject, hosts: Collection[str], manifest: Manifest
) -> Iterator[Finding]:
    """Istio completes a host without dots alone. It takes ``cart.default`` as it is written, and
    clients that call the service by this name have its routes."""
    for full in manifest["spec"]["hosts"]:
        for host in sorted(hosts):
            if host.count(".") and full.startswith(f"{host}.") and full.endswith(_IN_CLUSTER):
                yield warning_about(own.key, ("spec", "hosts"))(
                    "EXISTING_MESH_ROUTES",
                    f"calls of {full} that write {host} may take these routes, and then no lane is "
                    f"chosen for them: VirtualService {_name(manifest)} has the full host alone",
                    "remove the host, or the object",
                )


def _hidden(
    own: ExistingObject, hosts: Collection[str], manifest: Manifest, requests: str
) -> Iterator[Finding]:
    """Istio takes the routes of the narrowest host that covers a request's, and of no other."""
    for host in sorted(set(manifest["spec"]["hosts"]).difference(hosts)):
        if any(host_covers(wider, host) for wider in hosts):
            yield warning_about(own.key, ("spec", "hosts"))(
                "EXISTING_ROUTES_HIDDEN",
                f"its routes do not apply to {requests} {host} any more: VirtualService "
                f"{_name(manifest)} names a narrower host",
                "declare its routes as ingress rules of the baseline"
                if manifest["spec"].get("gateways")
                else "nothing, if its routes for that service did no more than lead there",
            )


def _at_gateways(own: ExistingObject, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    for gateway in sorted({own.full_gateway(gateway) for gateway in own.gateways} - {_MESH}):
        generated = {
            host: _name(manifest)
            for manifest in _of_kind("VirtualService", manifests)
            if gateway in manifest["spec"].get("gateways", ())
            for host in manifest["spec"]["hosts"]
        }
        hosts = {own.full_host(host) for host in own.hosts}
        for manifest in _of_kind("VirtualService", manifests):
            if gateway in manifest["spec"].get("gateways", ()):
                at_gateway = f"requests at Gateway {gateway} for"
                yield from _hidden(own, hosts, manifest, at_gateway)
        for host in sorted(hosts):
            if host in generated:
                yield warning_about(own.key, ("spec", "hosts"))(
                    "EXISTING_GATEWAY_ROUTES",
                    f"it routes {host} at Gateway {gateway}, as VirtualService {generated[host]} "
                    "does. Istio joins the two, the older's routes first: the first one that "
                    "matches takes a request",
                    "declare its routes as ingress rules of the baseline, and remove the host",
                )
            elif any(host_covers(wider, host) for wider in generated):
                yield warning_about(own.key, ("spec", "hosts"))(
                    "EXISTING_GATEWAY_ROUTES",
                    f"requests for {host} at Gateway {gateway} go by this object alone: no lane is "
                    "chosen for them",
                    "declare its routes as ingress rules of the baseline, and remove the host",
                )


def _destinations(own: ExistingObject, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    for manifest in _of_kind("DestinationRule", manifests):
        for text in own.hosts:
            host, generated = own.full_host(text), manifest["spec"]["host"]
            if host == generated:
                yield from _same_host(own, manifest)
            elif host_covers(host, generated):
                yield warning_about(own.key, ("spec", "host"))(
                    "EXISTING_POLICY_HIDDEN",
                    f"its policies do not apply to {generated} any more: DestinationRule "
                    f"{_name(manifest)} names that host alone, and Istio takes the narrower one",
                    f"add a DestinationRule with these policies for {generated}, in namespace "
                    f"{manifest['metadata']['namespace']}",
                )


def _same_host(own: ExistingObject, manifest: Manifest) -> Iterator[Finding]:
    """In one namespace Istio merges rules of one host, if they are for the same callers."""
    host, namespace = manifest["spec"]["host"], manifest["metadata"]["namespace"]
    exported = tuple(own.export_to) or (_ANYWHERE,)
    told = warning_about(own.key, ("spec", "host"))
    if own.name.namespace != namespace or own.selects or exported != (_ANYWHERE,):
        yield told(
            "EXISTING_SUBSETS",
            f"callers to which this rule for {host} applies do not see the subsets of "
            f"DestinationRule {_name(manifest)}: their calls in a lane fail",
            f"move it to namespace {namespace}, for all callers: there Istio merges the two",
        )
    shared = {subset["name"] for subset in manifest["spec"].get("subsets", ())} & set(own.subsets)
    if shared:
        yield told(
            "EXISTING_SUBSETS",
            f"it has a subset {' and '.join(sorted(shared))} of {host}, as DestinationRule "
            f"{_name(manifest)} has: Istio takes the older one's",
            "rename your subset, or the lane",
        )


def _of_kind(kind: str, manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest["kind"] == kind)


def _name(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"
