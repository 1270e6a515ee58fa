"""IR -> upstream Istio, unmodified: resources that make its proxies treat lanes as laneway does.

| resource | one for each | in the namespace of |
| --- | --- | --- |
| DestinationRule | service | the service: there Istio joins it with one of the user's own |
| VirtualService | service | the service; callers of all namespaces see it |
| EnvoyFilter | service | Istio's root: callers are anywhere |
| EnvoyFilter | service with a selector | the service: for its workloads |
| EnvoyFilter, two | group by trace id or baggage | Istio's root: the lane filter's module |
| EnvoyFilter | service of such a group | the service: inserts the filter at its workloads |
| VirtualService | gateway and domain | the gateway |
| EnvoyFilter | gateway | Istio's root: its pods may be anywhere |
| EnvoyFilter | group with baggage | Istio's root: the lane filter's module for gateways |
| EnvoyFilter | gateway and group with baggage | Istio's root: inserts the filter |

A route has a name, by which an EnvoyFilter finds it and leads it to an *aggregate cluster*: that
is the fallback, which Istio's own API lacks. Without the EnvoyFilter a route still leads to its
lane's own subset.

Entry points: ``documents.emit`` and ``limits.limits``.
"""
