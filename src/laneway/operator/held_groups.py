"""The generated objects that are held as they are while a lane group has errors. Pure.

The objects of a held group itself are frozen. Groups that share a gateway also share objects there:
the VirtualService of a host, if several groups have rules for it, and the gateway's EnvoyFilter.
The VirtualService is frozen too, because it combines the rules of all of them. The EnvoyFilter may
gain what the other groups need and loses nothing. Subsets and clusters of those other groups stay
for as long as a frozen route may lead to them.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable

from laneway.compile.dialect import Kinds
from laneway.compile.ownership import is_owned
from laneway.model.hosts import host_covers
from laneway.operator.manifests import Manifest, groups_of


class Hold(enum.Enum):
    FREE = "free"
    #: It may gain parts, and loses none.
    GROWS = "grows"
    FROZEN = "frozen"


class Holds:
    """``held`` are lane groups, ``existing`` the objects of all owners, of ``kinds``."""

    def __init__(
        self, kinds: Kinds, held: Collection[str] = (), existing: Iterable[Manifest] = ()
    ) -> None:
        self._kinds = kinds
        self._held = frozenset(held)
        self._entries = [
            manifest
            for manifest in (existing if held else ())
            if is_owned(manifest) and self._gateways(manifest) and groups_of(manifest) & self._held
        ]
        self._sharing = {group for entry in self._entries for group in groups_of(entry)}

    def of(self, manifest: Manifest, before: Manifest | None = None) -> Hold:
        """``before`` is what is there in its place."""
        if not self._held:
            return Hold.FREE
        groups = groups_of(manifest) | (groups_of(before) if before else frozenset())
        if self._gateways(manifest):
            frozen = groups & self._held or self._is_within_frozen(manifest)
            return Hold.FROZEN if frozen else Hold.FREE
        if groups <= self._held:
            return Hold.FROZEN
        shares = groups & (self._held | self._sharing)
        grows = self._kinds[manifest["kind"]].parts is not None
        return Hold.GROWS if shares and grows else Hold.FREE

    def _gateways(self, manifest: Manifest) -> frozenset[str]:
        return self._kinds[manifest["kind"]].gateways(manifest)

    def _hosts(self, manifest: Manifest) -> frozenset[str]:
        return self._kinds[manifest["kind"]].hosts(manifest)

    def _is_within_frozen(self, manifest: Manifest) -> bool:
        """Whether a frozen entry has the host, from which a new entry would take requests."""
        return any(
            self._gateways(manifest) & self._gateways(entry)
            and any(
                host_covers(wide, host)
                for wide in self._hosts(entry)
                for host in self._hosts(manifest)
            )
            for entry in self._entries
        )
