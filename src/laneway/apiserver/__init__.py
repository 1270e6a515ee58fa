"""What an API server of Kubernetes' kind decides about a request. Pure.

``adapters.http`` has the requests and ``control`` the declared state; what stands between them is
here: patches, the ownership of fields, selectors, tables, discovery, and how a refusal is worded.
"""
