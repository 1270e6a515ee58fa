"""Runs processes on this machine: Envoy proxies, and workloads that have a command.

The modules, from the bottom up:

- ``ports``, ``binary`` and ``directories`` find what a process needs;
- ``orphan_reaper``, ``shim``, ``logs`` and ``processes`` start and stop one child process;
- ``http_client``, ``admin``, ``probes`` and ``connections`` ask how it is;
- ``restart_policy`` decides when it is started again, ``supervisors`` do it;
- ``bootstraps``, ``environments``, ``proxies`` and ``workloads`` say what to run;
- ``runner`` puts them together.

``wiring`` uses ``runner.Runner``, ``proxies.Proxy``, ``binary.find_envoy``, ``ports.Ports``,
``bootstraps.bootstrap``, ``admin.Admin`` and ``errors.RunnerError``.
"""
