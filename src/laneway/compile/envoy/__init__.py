"""IR -> Envoy: the listeners, routes, clusters and endpoints of every proxy.

The entry point is ``emitter``. ``docs/architecture.md`` ("How a request is routed") explains what
the configuration does, and the measurements behind it.
"""
