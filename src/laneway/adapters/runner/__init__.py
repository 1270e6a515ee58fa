"""Runs things on this machine: Envoy proxies and the workloads that are given as commands.

From below: ``holders``, ``ports``, ``binary`` and ``directories`` (what there is to use, and who
has it); ``leash``, ``shim``, ``logs`` and ``processes`` (one child process); ``exchanges``,
``admin``, ``probes`` and ``connections`` (asking how it is); ``supervision`` (pure: when to start
it again) and ``supervisors`` (doing it); ``bootstraps``, ``environments``, ``proxies`` and
``workloads`` (what to run); ``runner`` (all of it together).

For ``wiring``: ``runner.Runner``, ``proxies.Proxy``, ``binary.find_envoy``, ``ports.Ports``,
``bootstraps.bootstrap``, ``events``, ``admin.Admin`` and ``errors.RunnerError``.
"""
