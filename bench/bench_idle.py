"""What `laneway up` costs while nothing happens: CPU time of its process, Envoys apart.

Ten workloads behind ten proxies. Times are the scheduler's, over all threads. Wake-ups are how
often a thread began to run; other programs make each of them more expensive, but not more frequent.

    make develop && .venv/bin/python -m bench.bench_idle [--seconds 60]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.reports import Report

WORKLOADS = 10
START_SECONDS = 120
BAR = "<= 0.5"
_LANEWAY = (sys.executable, "-c", "from laneway.faces.cli import main; main()")


def declared(count: int) -> str:
    documents = (
        f"""\
apiVersion: v1
kind: Service
metadata: {{name: svc-{number}}}
spec:
  selector: {{app: svc-{number}}}
  ports: [{{name: http, port: 8000}}]
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {{name: svc-{number}, labels: {{app: svc-{number}}}}}
spec:
  command: [{sys.executable}, -c, "from laneway.faces.mock import main; main()"]
  env: {{bind: "127.0.0.1:$(PORT)"}}
  ports: [{{port: 8000}}]
"""
        for number in range(count)
    )
    return "---\n".join(documents)


def until_up(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "\nup:" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"laneway up does not start:\n{output.read_text()}")
        time.sleep(0.2)
    time.sleep(5)  # what the start has left to do


def spent(pid: int) -> tuple[float, int]:
    """Seconds of CPU time, and wake-ups."""
    seconds, wakes = 0.0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)
        wakes += int(found[1]) if found else 0
    return seconds, wakes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    columns = ("round", "CPU % of a core", "bar", "wake-ups a second")
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    report = Report("idle", columns, f"{WORKLOADS} proxies, {os.cpu_count()} cores, load {load}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        mesh, output = folder / "mesh.yaml", folder / "output"
        mesh.write_text(declared(WORKLOADS))
        command = [*_LANEWAY, "up", "-f", str(mesh), "--run-dir", str(folder / "run")]
        with output.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            until_up(process, output)
            for number in range(options.rounds):
                before, woken = spent(process.pid)
                time.sleep(options.seconds)
                after, wakes = spent(process.pid)
                share = (after - before) / options.seconds * 100
                rate = (wakes - woken) / options.seconds
                report.add(str(number + 1), f"{share:.2f}", BAR, f"{rate:.0f}")
        finally:
            process.terminate()
            process.wait()
    report.publish()


if __name__ == "__main__":
    main()
