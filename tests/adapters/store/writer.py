"""A process that writes revisions as fast as it can, and prints the number of each that is kept.

``python -m tests.adapters.store.writer STORE LAST``. Each revision writes two lanes with the same
label, so that half a revision can be told from a whole one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.adapters.store.revisions import Clock, append

from laneway.adapters.store.sqlite import SqliteStore
from laneway.control.revisions import StoreError


async def main(path: Path, last: int) -> None:
    store = SqliteStore.open(path, Clock())
    print("open", flush=True)

    async def keep() -> None:
        while store.submitted < last:
            label = str(store.submitted + 1)
            print(await append(store, s1=label, s2=label), flush=True)

    try:
        await asyncio.gather(*(keep() for _ in range(10)))
    except StoreError as error:
        print(error, file=sys.stderr)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
