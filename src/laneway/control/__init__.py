"""Bringing a mesh into effect on proxies: what happens when a mesh changes, a workload becomes
ready, or a proxy answers.

Owns the protocols that adapters implement, and does no I/O of its own.
"""
