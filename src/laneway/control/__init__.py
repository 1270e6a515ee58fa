"""The control plane: activates a mesh on the proxies, and follows the readiness of workloads.

It defines the protocols that adapters implement, and does no I/O itself.
"""
