"""A folder is one laneway's, whatever it is to each: both would put their API's socket there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from laneway.adapters.runner.directories import open_run_directory
from laneway.adapters.runner.errors import RunDirectoryUnusable
from laneway.adapters.store.errors import StoreInUse
from laneway.adapters.store.locking import lock_store

HOLDER = f"is in use by another laneway \\(process {os.getpid()}, "


@pytest.mark.parametrize("link", [False, True])
def test_the_folder_of_a_store_in_use_is_no_run_directory(tmp_path: Path, link: bool) -> None:
    data = tmp_path / "data"
    store = lock_store(data / "store")
    (tmp_path / "link").symlink_to(data)
    for _ in range(2):  # the first attempt leaves no lock behind
        with pytest.raises(RunDirectoryUnusable, match=HOLDER):
            open_run_directory(tmp_path / "link" if link else data, {})
    store.release()
    open_run_directory(data, {}).close()


def test_a_run_directory_in_use_is_no_folder_of_a_store(tmp_path: Path) -> None:
    directory = open_run_directory(tmp_path, {})
    for _ in range(2):
        with pytest.raises(StoreInUse, match=HOLDER):
            lock_store(tmp_path / "store")
    directory.close()
    lock_store(tmp_path / "store").release()
