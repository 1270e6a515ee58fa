"""A rendering as a folder with one file an object.

The folder is written beside the old one and takes its place as a whole, so that it never holds half
of a rendering, nor objects of an earlier one. Only a folder that a rendering made is replaced.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from laneway.faces.cli.failures import Failed
from laneway.schema.yaml_text import dump_all

_MARKER = ".laneway-rendering"
_MARKER_TEXT = "`laneway render -o` made this folder, and replaces it as a whole.\n"
_NAME_LIMIT = 120

Document = Mapping[str, Any]


def replace_folder(folder: Path, documents: Iterable[Document]) -> int:
    """Write the documents; returns how many files there are. Raises ``Failed`` or ``OSError``."""
    target = Path(os.path.realpath(folder))
    _refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as room:
        fresh, old = Path(room, "new"), Path(room, "old")
        fresh.mkdir()
        number = _write(fresh, documents)
        (fresh / _MARKER).write_text(_MARKER_TEXT)
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    return number


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise Failed(f"{target} is a file; name a folder")
    if any(target.iterdir()) and not (target / _MARKER).exists():
        raise Failed(
            f"{target} holds files that laneway did not render; name another or an empty folder"
        )


def _write(folder: Path, documents: Iterable[Document]) -> int:
    taken: set[Path] = set()
    for document in documents:
        path = _free(folder / _path(document), taken)
        taken.add(path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(dump_all([dict(document)]))
    return len(taken)


def _path(document: Document) -> Path:
    """``kind.namespace.name``; what proxies get is in a folder for each proxy."""
    if "resource" not in document:
        metadata = document["metadata"]
        parts = (document["kind"], metadata.get("namespace", ""), metadata["name"])
        return Path(_file_name(".".join(filter(None, parts))))
    resource = document["resource"]
    kind = resource["@type"].rpartition(".")[2]
    name = resource.get("name") or resource.get("cluster_name", "")
    node = "shared" if document["node"] == "*" else document["node"]
    return Path(_safe(node), _file_name(f"{kind}.{name}"))


def _file_name(text: str) -> str:
    return f"{_safe(text)}.yaml"


def _safe(text: str) -> str:
    """Legal on any file system, and never hidden."""
    return re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip(".")[:_NAME_LIMIT].lower() or "_"


def _free(path: Path, taken: set[Path]) -> Path:
    """Names that became one by shortening are told apart by a number."""
    candidate, number = path, 1
    while candidate in taken:
        number += 1
        candidate = path.with_name(f"{path.stem}.{number}.yaml")
    return candidate
