"""IR -> upstream Istio, unmodified: resources that make its proxies treat lanes as laneway does.

| resource | one for each | in the namespace of |
| --- | --- | --- |
| DestinationRule | service | the service: there Istio joins it with one of the user's own |
| VirtualService | service | the service; callers of all namespaces see it |
| EnvoyFilter | service | Istio's root: callers are anywhere |
| EnvoyFilter | service with a selector | the service: for its workloads |
| WasmPlugin, two | service routed by trace id or baggage | the service: for its workloads |
| VirtualService | gateway and domain | the gateway |
| EnvoyFilter | gateway | Istio's root: its pods may be anywhere |

A route has a name, by which an EnvoyFilter finds it and leads it to an *aggregate cluster*: that
is the fallback, which Istio's own API lacks. Without the EnvoyFilter a route still leads to its
lane's own subset.

Entry points: ``documents.emit`` and ``limits.limits``.
"""
