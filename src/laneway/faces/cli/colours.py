"""Output without colours: by ``--no-color`` anywhere on the line, or by ``NO_COLOR``.

https://no-color.org: set, and not empty, it is for every program.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

_OPTION = "--no-color"
_VARIABLE = "NO_COLOR"


def without_colour_option(arguments: Sequence[str]) -> list[str]:
    """The arguments but ``--no-color``, which is taken note of. What follows ``--`` is not ours."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    if _OPTION in words[:end]:
        os.environ[_VARIABLE] = "1"
    return [word for word in words[:end] if word != _OPTION] + words[end:]


def are_colours_off() -> bool:
    return bool(os.environ.get(_VARIABLE))
