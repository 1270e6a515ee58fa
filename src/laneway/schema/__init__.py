"""Every document that laneway reads or writes. No other package knows how one is spelt.

Each dialect has a module that declares the shapes of its kinds. ``registry`` finds the kind of a
document, ``decode`` reads documents into a mesh and reports all findings, ``encode`` writes an
object as a document.
"""

from laneway.schema.decoding import Alone, Check, assemble, decode, read_alone
from laneway.schema.documents import Document
from laneway.schema.encoding import encode

__all__ = ["Alone", "Check", "Document", "assemble", "decode", "encode", "read_alone"]
