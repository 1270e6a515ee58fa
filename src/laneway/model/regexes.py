"""Regular expressions as Envoy interprets them: RE2's syntax, semantics, and program size.

A proxy that rejects one regex rejects the whole route configuration. So every regex is first
compiled here, by the same library.

Envoy 1.40 matches bytes (RE2's Latin-1 mode, in which ``.`` is one byte and ``\\x{100}`` an error).
Older versions, such as those in Istio, match UTF-8 characters, for which programs are larger. A
regex must be valid in both. They only differ for characters beyond ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import re2

#: The largest program that a proxy accepts (``re2.max_program_size.error_level``). laneway starts
#: its proxies with this value, which is also Istio's.
PROXY_PROGRAM_SIZE = 32_768
#: The largest program in a mesh. Another version of RE2 may count slightly differently, and for
#: Gateway API the regex is wrapped.
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
    """Why some proxy would reject the regex. Empty if none would."""
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
