"""The operator: keeps a cluster's Istio resources in step with its lane groups and lanes.

A thin face: settings in, HTTP (health, metrics, the Wasm module) out; ``wiring.operators`` joins
the reconciler to the API server.
"""

from laneway.faces.operator.app import main

__all__ = ["main"]
