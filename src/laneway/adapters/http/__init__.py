"""The HTTP API: Kubernetes' own, for the kinds that laneway reads. ``apiserver`` decides."""
