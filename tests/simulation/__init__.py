"""All of ``laneway serve`` on one seeded event loop with virtual time.

The store, the API's endpoints, the declared state, rollouts and the xDS server are the product's.
Disk, sockets, processes, clients and Envoys are doubles, which fail as a seed says. After each step
and at the end, invariants are checked. ``python -m tests.simulation SEED`` prints what happened.
"""
