"""``python -m tests.simulation SEED`` prints all that happens; ``FIRST-LAST`` runs many seeds."""

from __future__ import annotations

import sys
import time

from tests.simulation.worlds import World


def main(argument: str) -> int:
    first, _, last = argument.partition("-")
    if not last:
        world = World(int(first))
        violations = world.run()
        print("\n".join(world.trace.lines))
        return 1 if violations else 0
    began, failed = time.process_time(), 0
    for seed in range(int(first), int(last) + 1):
        if violations := World(seed).run():
            failed += 1
            print(f"seed {seed}: {violations[0][:300]}", flush=True)
    seconds = time.process_time() - began
    count = int(last) - int(first) + 1
    print(f"{count} seeds, {failed} failed, {seconds:.0f} s of CPU")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
