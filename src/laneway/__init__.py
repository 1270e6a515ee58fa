"""laneway: request-level environments (traffic lanes) for HTTP and gRPC services.

A request that names a lane runs through that lane's versions of the services. Where the lane has
no healthy version of a service the request falls back to the baseline and returns to its lane at
the next hop. Layers, from the bottom up: ``model``, ``compile``, ``control``, ``adapters``,
``wiring``, ``faces``; ``docs/architecture.md`` explains them, and import-linter checks them.
"""

__version__ = "0.1.0"
