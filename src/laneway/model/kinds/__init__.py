"""Kinds: the shapes that users write, and how they become the model and back.

One module a dialect; ``registry`` finds the kind of a document, ``decode`` reads documents into a
mesh with all findings, ``encode`` writes an object as a document.
"""

from laneway.model.kinds.decoding import Alone, Check, assemble, decode, read_alone
from laneway.model.kinds.documents import Document
from laneway.model.kinds.encoding import encode

__all__ = ["Alone", "Check", "Document", "assemble", "decode", "encode", "read_alone"]
