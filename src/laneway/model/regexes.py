"""Regular expressions as Envoy has them: RE2's syntax, its meaning, and its measure of size.

A proxy that refuses one regex refuses the whole route configuration that holds it. So whatever
enters a configuration is compiled here first, by the same library.

Envoy 1.40 matches bytes (RE2's Latin-1 mode, in which ``.`` is one byte and ``\\x{100}`` an error);
older ones, of which Istio's may be, match characters of UTF-8, for which programs are larger. What
a mesh asks for must be good for both. They differ in nothing but what is not ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import re2

#: The largest program that a proxy takes (``re2.max_program_size.error_level``): laneway's own
#: proxies are started with it, and Istio's with the same.
PROXY_PROGRAM_SIZE = 32_768
#: The largest that a mesh may ask for. Another version of RE2 may count a little otherwise, and
#: for Gateway API something is put around the regex.
MOST_PROGRAM_SIZE = PROXY_PROGRAM_SIZE // 2

_Encoding = re2.Options.Encoding


def _options(encoding: object) -> re2.Options:
    options = re2.Options()
    options.encoding = encoding
    options.log_errors = False
    return options


_BYTES = _options(_Encoding.LATIN1)
_CHARACTERS = _options(_Encoding.UTF8)


def fault(regex: str) -> str:
    """Why some proxy would not take the regex; empty if all would."""
    try:
        encoded = regex.encode()
        sizes = [re2.compile(encoded, options=o).programsize for o in (_BYTES, _CHARACTERS)]
    except UnicodeEncodeError:
        return "it is no Unicode text"
    except re2.error as error:
        return _reason(error)
    if max(sizes) > MOST_PROGRAM_SIZE:
        return f"its program has {max(sizes):,} steps, and at most {MOST_PROGRAM_SIZE:,} are taken"
    return ""


def matches_whole(regex: str, text: str) -> bool:
    """Whether the regex, which has no fault, matches all of the text."""
    compiled = re2.compile(regex.encode(), options=_BYTES)  # RE2 remembers the last ones
    return compiled.fullmatch(text.encode(errors="surrogateescape")) is not None


def one_of(texts: Iterable[str]) -> str:
    """A regex that matches each of the texts and nothing else."""
    return "|".join(map(re.escape, texts))


def _reason(error: re2.error) -> str:
    (said,) = error.args
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
