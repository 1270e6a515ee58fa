"""Caches of the product that live as long as the process: no test may find another's results.

A test that replaces a function leaves the replacement's results in whatever cache keeps them, and
then tests of other files fail in the same worker, depending on the order.
"""

from __future__ import annotations

import sys
from functools import _lru_cache_wrapper
from types import ModuleType
from typing import Any, TypeAlias

Cache: TypeAlias = "_lru_cache_wrapper[Any]"
_known: dict[str, tuple[Cache, ...]] = {}


def clear_process_caches() -> None:
    """Forget what functions of laneway have returned so far, in the modules that are imported."""
    for name, module in list(sys.modules.items()):
        if name.startswith("laneway.") and name not in _known:
            _known[name] = tuple(caches_of(module))
        for cache in _known.get(name, ()):
            cache.cache_clear()


def caches_of(module: ModuleType) -> list[Cache]:
    """Those that the module defines, methods included."""
    classes = [one for one in vars(module).values() if isinstance(one, type)]
    found = [value for place in (module, *classes) for value in vars(place).values()]
    return [
        value
        for value in found
        if isinstance(value, _lru_cache_wrapper) and value.__module__ == module.__name__
    ]
