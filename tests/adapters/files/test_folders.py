"""Relative paths of a workload start from the file that declares it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from laneway.adapters.files import read

TEXT = """\
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: a}
spec: {command: ["true"]}
"""


@pytest.mark.parametrize("path", ["mesh", "mesh/sub/a.yaml", "./mesh/../mesh"])
def test_a_workload_knows_the_folder_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "mesh" / "sub").mkdir(parents=True)
    (tmp_path / "mesh" / "sub" / "a.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    (workload,) = read([path]).mesh.workloads
    assert workload.folder == str(tmp_path / "mesh" / "sub")


def test_standard_input_and_pipes_have_no_folder() -> None:
    assert read(["-"], io.StringIO(TEXT)).mesh.workloads[0].folder is None
    reader, writer = os.pipe()
    with open(writer, "w") as pipe:
        pipe.write(TEXT)
    assert read([f"/dev/fd/{reader}"]).mesh.workloads[0].folder is None
    os.close(reader)
