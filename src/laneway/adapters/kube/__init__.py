"""Kubernetes: the API client, the caches that watches keep, and the port that control asks for.

Speaks the API server's REST directly (aiohttp): laneway needs seven verbs on plain data, and the
generated clients hold thousands of classes in memory for them. See decision record 0010.
"""
