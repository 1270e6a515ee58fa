"""The operator's decisions: lane groups and lanes of a cluster -> the objects of its service mesh.

Beside ``control``, which does the same for proxies on one machine. ``adapters.kube`` implements
``cluster_port``; nothing here does I/O of its own.
"""
