"""IR -> Envoy: the listeners, routes, clusters and endpoints of every proxy.

Entry point: ``snapshots.emit``. ``docs/architecture.md`` ("How a request is routed") tells what the
configuration does and which measurements decided it.
"""
