"""Errors of store files. Each message is complete for a terminal."""

from __future__ import annotations

from laneway.control.revisions import StoreError


class StoreUnusable(StoreError):
    """The file is accessible to others, is not a store, or was written by a later version of
    laneway."""


class StoreInUse(StoreError):
    """Another process has the store open; the message says which."""


class StoreDamaged(StoreError):
    """The file was damaged; a backup is needed."""


class StoreUnwritable(StoreError):
    """A write failed, for instance on a full disk. Nothing of it is kept."""
