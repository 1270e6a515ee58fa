"""IR -> Gateway API: lanes for any mesh that takes its routes from HTTPRoutes.

Istio's ambient waypoints, Linkerd, Cilium and Kuma do, each to its own extent (the GAMMA part of
Gateway API). It has no subsets, so every lane's version of a service is a Service of its own.

| resource | one for each | in the namespace of |
| --- | --- | --- |
| Service | service and lane that contains it | the service |
| HTTPRoute, of a Service | service (and port, if it has several) | the service, for all callers |
| HTTPRoute, of a Gateway | gateway and domain | the gateway |
| ReferenceGrant | gateway and service of another namespace | the service |
| Gateway | gateway, if its class is given | the gateway |

An HTTPRoute that grows beyond what one may hold becomes several. Which rule takes a request is not
a matter of order here, but of a rule's conditions: ``precedence`` makes the two agree.

Entry points: ``documents.emit`` and ``limits.limits``.
"""
