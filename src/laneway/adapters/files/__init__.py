"""The files adapter: what users declare, from files, folders and standard input.

``read`` is its face: a valid mesh with its warnings, or ``InvalidInput`` with everything that is
wrong. ``watching`` follows the files while they change.
"""

from __future__ import annotations

from laneway.adapters.files.reading import MAX_ERRORS, Reading, read
from laneway.adapters.files.sources import MAX_BYTES, STDIN

__all__ = ["MAX_BYTES", "MAX_ERRORS", "STDIN", "Reading", "read"]
