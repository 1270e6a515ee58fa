"""One resource type of one stream: what the proxy subscribed to, what it has, what it must be sent.

Pure state, without sockets or a clock. Follows "Incremental xDS" of the xDS protocol. ``streams``
decides when each type may send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.adapters.xds.protocol.rejections import Rejection, attribute
from laneway.compile.resources import CLUSTER, LISTENER, SCOPE, Resource, Resources
from laneway.control.proxies import ResourceStatus, Verdict

WILDCARD = "*"
#: The version of a resource in a rejected response, which the proxy may or may not have applied.
_UNKNOWN = ""
# source/common/listener_manager/listener_manager_impl.cc
_ADDRESS_TAKEN = "has duplicate address"
#: Types for which a first request without names means a wildcard subscription.
WILDCARD_TYPES = frozenset({CLUSTER, LISTENER, SCOPE})


@dataclass(frozen=True, slots=True)
class Push:
    """A response that is in flight until its ACK or NACK."""

    type_url: str
    nonce: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]


class Subscription:
    """At most one response is in flight. Changes in the meantime go into the next response.

    A name may be in several of these states:

    ========== ============================================================ ======================
    state      meaning                                                      ends with
    ========== ============================================================ ======================
    held       the proxy has acknowledged a version                         the ACK of a removal
    asked      the proxy requested it, so it is sent whatever is held       the next response
    changed    the held version differs from the desired one                the next response
    stale      it is held and not desired any more                          the next removal
    rejected   the proxy rejected the version last sent                     another desired version
    suspected  it was in a rejected response that named no cause            a response for it alone
    ========== ============================================================ ======================

    "Owed" means asked, changed or stale.
    """

    def __init__(
        self, type_url: str, desired: Resources, doubtful: frozenset[str] = frozenset()
    ) -> None:
        """``doubtful`` are names of the previous stream; see ``Stream``."""
        self.type_url = type_url
        self._doubtful = doubtful
        self.wildcard = False
        self.names: set[str] = set()
        self.held: dict[str, str] = {}
        self.rejected: dict[str, Rejection] = {}
        self.in_flight: Push | None = None
        self.desired = desired
        self._bodies: dict[str, Resource] = {}  # of held versions that this stream has sent
        self._started = False
        self._greeting = False  # a new wildcard gets a response, even an empty one
        # Dictionaries serve as ordered sets, so that responses are reproducible.
        self._asked: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._stale: dict[str, None] = {}
        self._removals_first = False
        self._suspects: deque[list[str]] = deque()

    @property
    def owes(self) -> bool:
        """Whether anything is owed, except rejected versions."""
        return bool(self._asked or self._changed or self._stale or self._greeting)

    @property
    def quiet(self) -> bool:
        """Whether nothing is in flight and nothing is owed, except rejected versions."""
        return self.in_flight is None and not self.owes

    # What the proxy asks for

    def subscribe(
        self, added: Iterable[str], removed: Iterable[str], versions: Mapping[str, str]
    ) -> bool:
        """Processes the names of a request. Returns whether it was the first one.

        ``versions`` are those that the proxy has from an earlier stream. Only the first request may
        contain them.
        """
        added, removed = list(added), list(removed)
        first, self._started = not self._started, True
        if first:
            added = self._start(added, removed, versions)
        if WILDCARD in added:
            self._greeting = self._greeting or not (self.wildcard or versions)
            self.wildcard = True
        for name in added:
            if name != WILDCARD:
                self.names.add(name)
                self._asked[name] = None
        for name in removed:
            self._unsubscribe(name)
        if WILDCARD in added:
            self._review((*self.desired, *self.held))
        return first

    def _start(
        self, added: list[str], removed: list[str], versions: Mapping[str, str]
    ) -> list[str]:
        """On a new stream, a proxy repeats all names. Versions that it has are not sent again."""
        if not added and not removed and self.type_url in WILDCARD_TYPES:
            added = [WILDCARD]
        reported = (name for name in added if name in versions and name not in self._doubtful)
        known = dict.fromkeys(reported)  # a set that keeps its order
        self.names.update(known)
        self.held = {name: versions[name] for name in known}
        if WILDCARD in added:
            self.held = dict(sorted(versions.items())) | dict.fromkeys(
                sorted(self._doubtful), _UNKNOWN
            )
        self._bodies = {resource.name: resource for resource in self.current()}
        self._review(known)
        return [name for name in added if name not in known]

    def _unsubscribe(self, name: str) -> None:
        if name == WILDCARD and self.wildcard:
            self.wildcard = self._greeting = False
            for other in [*{**self.held, **self._changed, **self._asked}]:
                if other not in self.names:
                    self._forget(other)
        elif name in self.names:
            self.names.discard(name)
            if self.wildcard:  # the proxy cannot know whether "*" still includes it
                self._asked[name] = None
            else:
                self._forget(name)

    def doubtful(self) -> frozenset[str]:
        """Names of which the proxy may have another version than it will report."""
        pushed = self.in_flight.resources if self.in_flight else ()
        unknown = (name for name, version in self.held.items() if version == _UNKNOWN)
        return frozenset((*unknown, *(resource.name for resource in pushed)))

    def current(self) -> list[Resource]:
        """The resources of which the proxy has the desired version."""
        versions = self.held.items()
        wanted = ((self.desired.get(name), version) for name, version in versions)
        return [want for want, version in wanted if want and want.version == version]

    def ask(self, name: str) -> None:
        """Sends the resource again, changed or not, if the proxy is subscribed to it."""
        if self._wants(name):
            self._asked[name] = None

    # What the proxy answers

    def acknowledge(self, nonce: str) -> tuple[Resource, ...]:
        """The accepted resources. None if ``nonce`` is not that of the response in flight."""
        push = self._land(nonce)
        if push is None:
            return ()
        for resource in push.resources:
            if self._wants(resource.name):
                self.held[resource.name] = resource.version
                self._bodies[resource.name] = resource
                self.rejected.pop(resource.name, None)
        self._drop(push.removed)
        self._review(resource.name for resource in push.resources)
        return push.resources

    def reject(self, nonce: str, error: str) -> tuple[Rejection, ...]:
        """The rejected resources, as far as the error names them.

        The others are sent again without them. Envoy may have applied some of them, but does not
        report any resource of a rejected response when it reconnects.
        """
        push = self._land(nonce)
        if push is None:
            return ()
        sent = {resource.name: resource for resource in push.resources}
        named = attribute(sent, error)
        waiting = self._waiting_for_removals(push, named)
        named = {name: text for name, text in named.items() if name not in waiting}
        self._removals_first = bool(waiting)
        rejected = tuple(
            Rejection(self.type_url, name, sent[name].version, text) for name, text in named.items()
        )
        self.rejected.update((rejection.name, rejection) for rejection in rejected)
        others = [name for name in sent if name not in named]
        self.held.update(dict.fromkeys(others, _UNKNOWN))
        self._review(sent)
        self._suspect(others, halve=not named and not waiting)
        if sent:
            self._review(push.removed)
        else:
            self._drop(push.removed)  # a removal cannot be wrong; do not repeat it
        return rejected

    def _waiting_for_removals(self, push: Push, named: Mapping[str, str]) -> frozenset[str]:
        """Listeners with the address of a listener that is to be removed.

        They are sent again together with the removals, which Envoy applies first. In all other
        cases removals come last, so that the old listener serves until then.
        """
        if push.removed or not self._stale:
            return frozenset()
        return frozenset(name for name, error in named.items() if _ADDRESS_TAKEN in error)

    def _suspect(self, names: list[str], *, halve: bool) -> None:
        """Sends these again separately, and in halves until a rejected resource is alone."""
        middle = (len(names) + 1) // 2 if halve else len(names)
        self._suspects.extendleft(group for group in (names[middle:], names[:middle]) if group)
        for name in names:
            self.ask(name)

    def _land(self, nonce: str) -> Push | None:
        push = self.in_flight
        if push is None or push.nonce != nonce:
            return None
        self.in_flight = None
        return push

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.held.pop(name, None)
            self._bodies.pop(name, None)
        self._review(names)

    # What it should have, and what it is sent

    def adopt(self, desired: Resources, changes: Iterable[str]) -> None:
        """Sets the desired resources, which differ from those before in ``changes``."""
        self.desired = desired
        self._review([name for name in changes if self._wants(name)])

    def offer(
        self, nonce: str, *, limit: int, answers_only: bool = False, removals: bool = False
    ) -> Push | None:
        """The next response, if any, of about ``limit`` bytes at most.

        ``answers_only`` leaves out changes that the proxy did not request; ``removals`` adds the
        names that it should remove.
        """
        if self.in_flight:
            return None
        resources: list[Resource] = []
        removed = dict(self._stale) if removals or self._removals_first else {}
        room, whole = limit, True
        for name in self._due(answers_only):
            resource = self.desired.get(name) or self._kept(name)
            if resource is None:
                removed[name] = None
                continue
            if resources and len(resource.body) > room:
                whole = False
                break
            room -= len(resource.body)
            resources.append(resource)
        if not resources and not removed and not self._greeting:
            return None
        self._greeting = self._greeting and not whole
        self._removals_first = False
        for name in (*(resource.name for resource in resources), *removed):
            self._settle(name)
        self.in_flight = Push(self.type_url, nonce, tuple(resources), tuple(removed))
        return self.in_flight

    def _due(self, answers_only: bool) -> Iterable[str]:
        while self._suspects:
            names = self._suspects.popleft()
            group = [name for name in names if name in self._asked and name not in self._stale]
            if group:
                return group
        due = (
            self._asked if answers_only and not self._greeting else {**self._asked, **self._changed}
        )
        # Removals from a wildcard come later. The proxy does not wait for them.
        return [name for name in due if not (self.wildcard and name in self._stale)]

    def _kept(self, name: str) -> Resource | None:
        """A resource that will be removed later, but for which the proxy waits until then.

        For example a cluster that is still warming, and is used while routes are switched.
        """
        return self._bodies.get(name) if name in self._stale else None

    def _review(self, names: Iterable[str]) -> None:
        """Determines again what is owed for these names."""
        for name in names:
            want = self.desired.get(name) if self._wants(name) else None
            rejection = self.rejected.get(name)
            if rejection and (want is None or want.version != rejection.version):
                del self.rejected[name]
                rejection = None
            self._changed.pop(name, None)
            self._stale.pop(name, None)
            if want is None:
                if name in self.held:
                    self._stale[name] = None
            elif self.held.get(name) != want.version and not rejection:
                self._changed[name] = None

    def _wants(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def _settle(self, name: str) -> None:
        for owed in (self._asked, self._changed, self._stale):
            owed.pop(name, None)

    def _forget(self, name: str) -> None:
        self._settle(name)
        for known in (self.held, self._bodies, self.rejected):
            known.pop(name, None)

    # What is known of it

    def outstanding(self) -> list[ResourceStatus]:
        """Of all resources that are rejected, in flight or owed."""
        if self.quiet and not self.rejected:
            return []
        pushed = self.in_flight.resources if self.in_flight else ()
        owed = {*self._asked, *self._changed, *self._stale, *self.rejected}
        return self._statuses(owed.union(resource.name for resource in pushed))

    def statuses(self) -> list[ResourceStatus]:
        """Of all resources that are held, rejected, in flight or owed."""
        return self._statuses({*self.held, *(status.name for status in self.outstanding())})

    def _statuses(self, names: Iterable[str]) -> list[ResourceStatus]:
        pushed = self.in_flight.resources if self.in_flight else ()
        sending = {resource.name: resource.version for resource in pushed}
        return [self._status(name, sending.get(name)) for name in sorted(names)]

    def _status(self, name: str, sending: str | None) -> ResourceStatus:
        held, want = self.held.get(name, _UNKNOWN), self.desired.get(name)
        rejection = self.rejected.get(name)
        sent, verdict, error = held, Verdict.PENDING, ""
        if sending:
            sent = sending
        elif rejection:
            sent, verdict, error = rejection.version, Verdict.REJECTED, rejection.error
        elif want and want.version == held:
            verdict = Verdict.ACKED
        return ResourceStatus(self.type_url, name, sent, held, verdict, error)
