"""The stream of one proxy: sends types in an order in which no reference ever dangles.

Pure state that the server drives: pass requests to ``receive`` and snapshots to ``adopt``, then
send the results of ``next`` until it returns None. Additions follow the references (clusters and
endpoints, then listeners, then scopes, then routes), and each stage waits until the one before it
is acknowledged. Removals go in the opposite order, after everything is acknowledged. A rejection
stops the later stages of a change: the proxy's present configuration keeps working, and only
resources that the proxy requests are still sent.
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

#: Clusters and endpoints are one stage, because Envoy acknowledges clusters when they are warm, for
#: which it needs their endpoints.
STAGES = ((CLUSTER, ENDPOINT), (LISTENER,), (SCOPE,), (ROUTE,))
REMOVAL_ORDER = (LISTENER, SCOPE, ROUTE, CLUSTER, ENDPOINT)

#: Larger responses are split, and the next part follows after an ACK: a proxy applies a response on
#: its main thread, and gRPC clients accept 4 MiB by default.
RESPONSE_BYTES = 4 * 1024 * 1024


class Stream:
    """The state of one DeltaAggregatedResources stream.

    ``doubtful`` comes from the proxy's previous stream: Envoy may have applied a part of a response
    that it rejected, but reports the versions before it when it reconnects.
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
        # Children of accepted parents to which the proxy has not subscribed yet, by child type, and
        # by type and name of the parent.
        self._awaited: dict[str, dict[tuple[str, str], set[str]]] = {
            child: {} for child in CHILD_TYPES.values()
        }
        self._pushes = 0
        # Clusters that were sent before the proxy subscribed to endpoints.
        self._updated: list[Resource] = []

    def adopt(self, snapshot: Snapshot | None) -> None:
        """Sets the proxy's snapshot. With None, the proxy keeps what it has."""
        self._snapshot = snapshot
        if snapshot is not None:
            for type_url, subscription in self._subscriptions.items():
                desired = snapshot.resources(type_url)
                if desired is not subscription.desired:
                    changes = self._shared.changes(subscription.desired, desired)
                    subscription.adopt(desired, changes)

    def receive(self, request: DeltaDiscoveryRequest) -> tuple[Rejection, ...]:
        """Processes a request and returns what it rejects.

        The subscriptions in a request count even if its nonce is stale.
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
        if first and type_url == ENDPOINT:
            self._ask_for_endpoints(subscription, self._updated)
        self._await_children(type_url, subscription.current() if first else taken)
        if request.resource_names_subscribe:
            self._stop_waiting(type_url, subscription)
        return rejected

    def _subscribe(self, type_url: str) -> Subscription:
        desired = self._snapshot.resources(type_url) if self._snapshot else {}
        doubtful = self._doubtful.get(type_url, frozenset())
        return self._subscriptions.setdefault(type_url, Subscription(type_url, desired, doubtful))

    def _warming(self, type_url: str) -> bool:
        """Whether the proxy requested endpoints before clusters.

        On a new stream, Envoy requests clusters first, unless some are warming. These wait for
        endpoints, although Envoy reports to have them, from the clusters that they replace.
        """
        return type_url == ENDPOINT and self._unasked(CLUSTER)

    def next(self) -> Push | None:
        """The next response to send, or None. It counts as in flight from now on."""
        if self._snapshot is None or not self.owes:
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

    @property
    def owes(self) -> bool:
        """Whether there is something to send, now or after an answer of the proxy."""
        return any(each.owes for each in self._subscriptions.values())

    def _next_removal(self) -> Push | None:
        for type_url in (*REMOVAL_ORDER, *self._others()):
            push = self._offer(type_url, removals=True)
            if push or self._in_flight(type_url):
                return push
        return None

    def _unfinished(self, type_url: str, halted: bool) -> bool:
        """Whether the stage must wait: for a response of the proxy, or for its subscription.

        After a rejection (``halted``) the proxy may never subscribe, so only responses count.
        """
        if self._in_flight(type_url):
            return True
        return not halted and (self._unasked(type_url) or bool(self._awaited.get(type_url)))

    @property
    def synced(self) -> bool:
        """Whether the proxy has acknowledged its whole snapshot, and removed everything else."""
        for each in self._subscriptions.values():  # the likeliest reasons first
            if not each.quiet or each.rejected:
                return False
        return (
            self._snapshot is not None
            and not any(self._awaited.values())
            and not any(self._unasked(type_url) for type_url in WILDCARD_TYPES)
        )

    @property
    def settled(self) -> bool:
        """Whether it is synced or stopped at a rejection. Valid when ``next`` returns None."""
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
        """The resources that the proxy has not acknowledged."""
        return tuple(status for each in self._in_order() for status in each.outstanding())

    def statuses(self) -> tuple[ResourceStatus, ...]:
        """All resources that the proxy has, has been sent, or is to be sent."""
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
        """Sends the endpoints of updated clusters again, changed or not.

        Envoy warms an updated cluster until its endpoints arrive again, but does not request them,
        because it is subscribed already. Otherwise it would wait for ``initial_fetch_timeout``, and
        acknowledge no cluster before. (An updated listener uses the routes that Envoy has.)
        """
        if push.type_url != CLUSTER:
            return
        endpoints = self._subscriptions.get(ENDPOINT)
        if endpoints is None:
            self._updated.extend(push.resources)
        else:
            self._ask_for_endpoints(endpoints, push.resources)

    def _ask_for_endpoints(self, endpoints: Subscription, clusters: Iterable[Resource]) -> None:
        for cluster in clusters:
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
        """Whether the proxy will still subscribe to this type, which its snapshot contains.

        It always subscribes to clusters and listeners, and to scopes if a listener uses them.
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
