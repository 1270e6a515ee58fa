"""The decisions of a Kubernetes-style API server about requests. Pure.

``adapters.http`` receives the requests, and ``control`` has the declared state. Between them, this
package has patches, field ownership, selectors, tables, discovery, and the texts of refusals.
"""
