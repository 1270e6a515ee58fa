"""``laneway edit``: an object in the user's editor, and back."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from laneway.adapters.files.yamls import one_document
from laneway.adapters.host.programs import run_in_foreground
from laneway.faces.cli import object_requests
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.proxy_acknowledgements import known_errors, print_acknowledgements
from laneway.faces.cli.resource_words import ObjectReference, named_references
from laneway.faces.cli.server_requests import Server, ServerError, request
from laneway.faces.cli.terminals import output
from laneway.schema.yaml_text import dump_all

_NOTE = "# Save to apply; leave it as it is to change nothing.\n"


def run(server: Server, words: Sequence[str], namespace: str, seconds: int) -> int:
    references = named_references(words, namespace)
    known = known_errors(server)
    changed = [_edit(server, each) for each in references]
    return print_acknowledgements(output(), server, seconds, known) if any(changed) else 0


def _editor() -> str:
    named = (os.environ.get(variable, "").strip() for variable in ("KUBE_EDITOR", "EDITOR"))
    return next(filter(None, named), "vi")


def _edit(server: Server, reference: ObjectReference) -> bool:
    """Returns whether it was changed. A refused object stays in a file, whose name is printed."""
    (manifest,) = object_requests.find(server, reference)
    shown = {k: v for k, v in object_requests.presentable(manifest).items() if k != "status"}
    with tempfile.NamedTemporaryFile(
        "w", prefix="laneway-edit-", suffix=".yaml", delete=False, encoding="utf-8"
    ) as file:
        file.write(before := _NOTE + dump_all([shown]))
    path = Path(file.name)
    command = _editor()
    try:
        code = run_in_foreground([*shlex.split(command), str(path)])
    except (OSError, ValueError) as error:
        path.unlink()
        raise Failed(f"the editor `{command}` cannot be started: {error}") from error
    try:
        after = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Failed(f"{reference}: {path} is not UTF-8; nothing was changed") from error
    if code or after == before:
        path.unlink()
        if code:
            raise Failed(f"the editor `{command}` exited with {code}; nothing was changed")
        output().print(f"{reference} unchanged", soft_wrap=True)
        return False
    try:
        target = f"{reference.path}?fieldManager=laneway-edit&fieldValidation=Strict"
        request(server, "PUT", target, one_document(after))
    except (ServerError, ValueError) as error:
        raise Failed(f"{reference}: {error}\nWhat you wrote is in {path}") from error
    path.unlink()
    output().print(f"{reference} edited", soft_wrap=True)
    return True
