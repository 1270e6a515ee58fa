"""``make mutants``: break the product in every way that ``breakages`` lists; tests must notice.

``python -m tests.mutation.run [--quick] [NAME ...]``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.mutation.breakages import BREAKAGES
from tests.mutation.trials import Breakage, trial_results


def chosen(quick: bool, names: Sequence[str]) -> list[Breakage]:
    """Raises ``ValueError`` for a name that no breakage has."""
    unknown = set(names) - {breakage.name for breakage in BREAKAGES}
    if unknown:
        known = ", ".join(breakage.name for breakage in BREAKAGES)
        raise ValueError(
            f"no breakage is named {', '.join(map(repr, sorted(unknown)))}; there are {known}"
        )
    return [b for b in BREAKAGES if (b.quick or not quick) and (not names or b.name in names)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutation.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only those of `make test`")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    arguments = parser.parse_args()
    try:
        breakages = chosen(arguments.quick, arguments.names)
    except ValueError as error:
        parser.error(str(error))
    missed = tried = 0
    for result in trial_results(breakages):
        tried += 1
        missed += bool(result.problem)
        print(f"{result.breakage.name}\n    {result.test}\n    {result.problem or 'caught'}")
        sys.stdout.flush()
    print(f"{len(breakages)} breakages, {tried} trials, {missed} not caught")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
