"""IR -> Gateway API: lanes for any mesh that takes its routes from HTTPRoutes.

Istio's ambient waypoints, Linkerd, Cilium and Kuma do, each to a different extent (the GAMMA part
of Gateway API). There are no subsets, so each lane's version of a service becomes a Service.

| resource | one for each | in the namespace of |
| --- | --- | --- |
| Service | service and lane that contains it | the service |
| HTTPRoute, of a Service | service (and port, if it has several) | the service, for all callers |
| HTTPRoute, of a Gateway | gateway and domain | the gateway |
| ReferenceGrant | gateway and service of another namespace | the service |
| Gateway | gateway, if its class is given | the gateway |

An HTTPRoute with more rules than allowed becomes several. Precedence does not depend on the order
of rules, but on their conditions; ``precedence`` makes the two agree.

Entry points: ``documents.emit`` and ``limits.limits``.
"""
