"""Use cases: what happens when a mesh is applied, a workload becomes ready, a proxy answers.

Owns the ports (protocols) that adapters implement; does no I/O of its own.
"""
