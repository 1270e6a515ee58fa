"""One proxy's stream: in which order the types are sent, so that no reference ever dangles.

Pure state, pulled by the server: ``receive`` what the proxy says, ``adopt`` what it should have,
then take ``next`` until there is none. Additions go down the references (clusters and endpoints,
then listeners, then scopes, then routes), each stage after the one before it was acknowledged;
removals go up them, after everything was acknowledged. A rejection halts the later stages of the
change: what the proxy has keeps working, and only what it asks for by itself is still answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from laneway.adapters.xds.protocol.references import CHILD_TYPES
from laneway.adapters.xds.protocol.rejections import Rejection
from laneway.adapters.xds.protocol.shared_results import SharedResults
from laneway.adapters.xds.protocol.subscriptions import WILDCARD_TYPES, Push, Subscription
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Resource,
    Snapshot,
)
from laneway.control.proxies import ResourceStatus

#: Clusters and endpoints are one stage: Envoy acknowledges clusters when they are warm, and for
#: that it needs their endpoints.
STAGES = ((CLUSTER, ENDPOINT), (LISTENER,), (SCOPE,), (ROUTE,))
REMOVAL_ORDER = (LISTENER, SCOPE, ROUTE, CLUSTER, ENDPOINT)

#: A response is cut here and goes on after its ACK: a proxy applies one on its main thread, and
#: 4 MiB is what a gRPC client takes unless told otherwise.
RESPONSE_BYTES = 4 * 1024 * 1024


class Stream:
    """State of one DeltaAggregatedResources stream.

    ``doubtful`` comes from the proxy's stream before this one: Envoy may have applied some of a
    response that it refused, and speaks of what it had before when it reconnects.
    """

    def __init__(
        self,
        shared: SharedResults,
        response_bytes: int = RESPONSE_BYTES,
        doubtful: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> None:
        self._shared = shared
        self._response_bytes = response_bytes
        self._doubtful = doubtful
        self._snapshot: Snapshot | None = None
        self._subscriptions: dict[str, Subscription] = {}
        # Children that an accepted parent refers to and the proxy has yet to subscribe to, by child
        # type and the parent's type and name.
        self._awaited: dict[str, dict[tuple[str, str], set[str]]] = {
            child: {} for child in CHILD_TYPES.values()
        }
        self._pushes = 0

    def adopt(self, snapshot: Snapshot | None) -> None:
        """Replace what the proxy should have. None: nothing is known, so it keeps what it has."""
        self._snapshot = snapshot
        if snapshot is not None:
            for type_url, subscription in self._subscriptions.items():
                desired = snapshot.resources(type_url)
                if desired is not subscription.desired:
                    changes = self._shared.changes(subscription.desired, desired)
                    subscription.adopt(desired, changes)

    def receive(self, request: DeltaDiscoveryRequest) -> tuple[Rejection, ...]:
        """Take one request, and return what it rejects.

        The names of a request count even where its nonce is stale.
        """
        type_url, nonce = request.type_url, request.response_nonce
        subscription = self._subscriptions.get(type_url) or self._subscribe(type_url)
        taken: Iterable[Resource] = ()
        rejected: tuple[Rejection, ...] = ()
        if request.HasField("error_detail"):
            rejected = subscription.reject(nonce, request.error_detail.message)
        elif nonce:
            taken = subscription.acknowledge(nonce)
        first = subscription.subscribe(
            request.resource_names_subscribe,
            request.resource_names_unsubscribe,
            {} if self._warming(type_url) else request.initial_resource_versions,
        )
        self._await_children(type_url, subscription.current() if first else taken)
        if request.resource_names_subscribe:
            self._stop_waiting(type_url, subscription)
        return rejected

    def _subscribe(self, type_url: str) -> Subscription:
        desired = self._snapshot.resources(type_url) if self._snapshot else {}
        doubtful = self._doubtful.get(type_url, frozenset())
        made = Subscription(type_url, desired, doubtful)
        return self._subscriptions.setdefault(type_url, made)

    def _warming(self, type_url: str) -> bool:
        """Endpoints are asked for ahead of the clusters.

        Envoy asks for clusters first on a new stream, unless some are warming: those wait for
        endpoints that it says it holds, as the clusters that they replace do.
        """
        return type_url == ENDPOINT and self._unasked(CLUSTER)

    def next(self) -> Push | None:
        """The next response to send, which is in flight from now on."""
        if self._snapshot is None:
            return None
        halted = False
        for stage in self._stages():
            for type_url in stage:
                push = self._offer(type_url, answers_only=halted)
                if push:
                    return push
            if any(self._unfinished(type_url, halted) for type_url in stage):
                return None
            halted = halted or any(self._rejected(type_url) for type_url in stage)
        return None if halted else self._next_removal()

    def _next_removal(self) -> Push | None:
        for type_url in (*REMOVAL_ORDER, *self._others()):
            push = self._offer(type_url, removals=True)
            if push or self._in_flight(type_url):
                return push
        return None

    def _unfinished(self, type_url: str, halted: bool) -> bool:
        """The stage cannot be left: an answer is to come, or the proxy has yet to ask.

        Past a rejection nothing is certain to be asked for, so only answers are waited for.
        """
        if self._in_flight(type_url):
            return True
        return not halted and (self._unasked(type_url) or bool(self._awaited.get(type_url)))

    @property
    def synced(self) -> bool:
        """The proxy acknowledged all that it should have, and dropped the rest."""
        return (
            self._snapshot is not None
            and not any(self._unasked(type_url) for type_url in WILDCARD_TYPES)
            and not any(self._awaited.values())
            and all(each.quiet and not each.rejected for each in self._subscriptions.values())
        )

    @property
    def settled(self) -> bool:
        """Synced, or stopped at a rejection. Read it when ``next`` has no more."""
        subscriptions = self._subscriptions.values()
        return self.synced or (
            any(each.rejected for each in subscriptions)
            and not any(each.in_flight for each in subscriptions)
        )

    def doubtful(self) -> dict[str, frozenset[str]]:
        """Names by type, for the proxy's next stream."""
        subscriptions = self._subscriptions.items()
        return {**self._doubtful, **{url: each.doubtful() for url, each in subscriptions}}

    def outstanding(self) -> tuple[ResourceStatus, ...]:
        """What the proxy has not acknowledged."""
        return tuple(status for each in self._in_order() for status in each.outstanding())

    def statuses(self) -> tuple[ResourceStatus, ...]:
        """Everything that the proxy holds, was sent or is owed."""
        return tuple(status for each in self._in_order() for status in each.statuses())

    def _in_order(self) -> Iterable[Subscription]:
        types = (*PUSH_ORDER, *self._others())
        return (self._subscriptions[each] for each in types if each in self._subscriptions)

    def _offer(
        self, type_url: str, *, answers_only: bool = False, removals: bool = False
    ) -> Push | None:
        subscription = self._subscriptions.get(type_url)
        if subscription is None:
            return None
        push = subscription.offer(
            str(self._pushes + 1),
            limit=self._response_bytes,
            answers_only=answers_only,
            removals=removals,
        )
        if push:
            self._pushes += 1
            self._follow_up(push)
        return push

    def _follow_up(self, push: Push) -> None:
        """Endpoints of updated clusters are sent again, changed or not.

        Envoy warms an updated cluster until its endpoints arrive anew, but does not ask for them:
        it is subscribed already. It would wait for ``initial_fetch_timeout``, and acknowledge no
        cluster before. (An updated listener takes the routes that Envoy has.)
        """
        endpoints = self._subscriptions.get(ENDPOINT)
        if push.type_url == CLUSTER and endpoints:
            for cluster in push.resources:
                for name in self._shared.references(cluster):
                    endpoints.ask(name)

    def _stages(self) -> Iterable[tuple[str, ...]]:
        return (*STAGES, tuple(self._others()))

    def _others(self) -> Iterable[str]:
        return (each for each in self._subscriptions if each not in PUSH_ORDER)

    def _in_flight(self, type_url: str) -> bool:
        subscription = self._subscriptions.get(type_url)
        return subscription is not None and subscription.in_flight is not None

    def _rejected(self, type_url: str) -> bool:
        subscription = self._subscriptions.get(type_url)
        return subscription is not None and bool(subscription.rejected)

    def _unasked(self, type_url: str) -> bool:
        """The proxy will ask for this type, as its snapshot has it, but did not yet.

        Clusters and listeners it asks for in any case, scopes when a listener has some.
        """
        if type_url not in WILDCARD_TYPES or type_url in self._subscriptions:
            return False
        types = self._snapshot.types if self._snapshot else {}
        return type_url in types and (type_url != SCOPE or bool(types[SCOPE]))

    def _await_children(self, type_url: str, parents: Iterable[Resource]) -> None:
        child_type = CHILD_TYPES.get(type_url)
        if child_type is None:
            return
        children = self._subscriptions.get(child_type)
        names = children.names if children else set()
        for parent in parents:
            missing = set(self._shared.references(parent)) - names
            if missing:
                self._awaited[child_type][type_url, parent.name] = missing
            else:
                self._awaited[child_type].pop((type_url, parent.name), None)

    def _stop_waiting(self, type_url: str, subscription: Subscription) -> None:
        awaited = self._awaited.get(type_url)
        if awaited:
            left = {parent: names - subscription.names for parent, names in awaited.items()}
            self._awaited[type_url] = {parent: names for parent, names in left.items() if names}
