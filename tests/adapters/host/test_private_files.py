"""Another user's doing is played by a root that gives files away; only root can run these tests."""

from __future__ import annotations

import grp
import os
import pwd
import struct
from pathlib import Path

import pytest

from laneway.adapters.host.private_files import open_file, open_folder, write_file

SOMEONE = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_what_is_missing_is_made_private(tmp_path: Path) -> None:
    write_file(tmp_path / "a" / "b" / "file", "text")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b" / "file").stat().st_mode & 0o777 == 0o600
    write_file(tmp_path / "a" / "b" / "file", "t")
    assert (tmp_path / "a" / "b" / "file").read_text() == "t"


@pytest.mark.parametrize("kind", ["symbolic", "hard", "fifo"])
def test_a_file_that_leads_elsewhere_is_not_written(tmp_path: Path, kind: str) -> None:
    precious, path = tmp_path / "precious", tmp_path / "file"
    precious.write_text("precious")
    if kind == "symbolic":
        path.symlink_to(precious)
    elif kind == "hard":
        path.hardlink_to(precious)
    else:
        os.mkfifo(path)
    with pytest.raises(OSError):
        write_file(path, "text")
    assert precious.read_text() == "precious"


def test_a_folder_is_left_by_the_way_it_was_entered(tmp_path: Path) -> None:
    """Also when its path is another folder by now."""
    here, away = tmp_path / "here", tmp_path / "away"
    folder = open_folder(here)
    here.rename(away)
    here.mkdir()
    os.close(open_file(folder, here / "file", os.O_WRONLY | os.O_CREAT))
    os.close(folder)
    assert (away / "file").exists()
    assert not (here / "file").exists()


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_others_must_not_be_able_to_replace_a_folder_on_the_way(tmp_path: Path, mode: int) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, -1, SOMEONE) if os.geteuid() == 0 else None
    shared.chmod(mode if os.geteuid() == 0 else 0o777)
    with pytest.raises(PermissionError, match=f"can be written by other users.*{shared}"):
        open_folder(shared / "mine" / "run")
    shared.chmod(0o1777)  # as /tmp: what exists cannot be replaced
    os.close(open_folder(shared / "mine" / "run"))


@pytest.mark.parametrize(
    ("name", "members", "accepted"),
    [("me", [], True), ("me", ["me"], True), ("me", ["you"], False), ("users", [], False)],
)
def test_a_group_of_ones_own_is_nobody_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    members: list[str],
    accepted: bool,
) -> None:
    user = pwd.struct_passwd(("me", "x", os.geteuid(), os.getegid(), "", "/", "/bin/sh"))
    group = grp.struct_group((name, "x", os.getegid(), members))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o775)
    if accepted:
        os.close(open_folder(folder))
    else:
        with pytest.raises(PermissionError, match="can be written by other users"):
            open_folder(folder)


@pytest.mark.parametrize("tag", [0x02, 0x08], ids=["user", "group"])
@pytest.mark.parametrize("at", ["run", "run/inside", "run/file"])
def test_an_access_control_list_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: int, at: str
) -> None:
    """It shows in the mode as what the group may do, and the group is this user's own."""
    user = pwd.struct_passwd(("me", "x", os.geteuid(), os.getegid(), "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("me", "x", 0, [])))
    path = tmp_path / at
    (tmp_path / "run" / "inside").mkdir(parents=True)
    (tmp_path / "run" / "file").touch()
    os.chown(path, -1, os.getegid())

    def use() -> None:
        write_file(tmp_path / "run" / "file", "text")
        os.close(open_folder(tmp_path / "run" / "inside"))

    path.chmod(0o770 if path.is_dir() else 0o660)
    use()
    give_write_access(path, tag)
    with pytest.raises(PermissionError, match=f"can be written by other users.*{path}"):
        use()


def give_write_access(path: Path, tag: int) -> None:
    """To a user or group that is not this one, as ``setfacl -m u:65534:rwx`` does."""
    nobody = 0xFFFFFFFF
    entries = [(0x01, 7, nobody), (0x04, 5, nobody), (0x10, 7, nobody), (0x20, 5, nobody)]
    entries = sorted([*entries, (tag, 7, SOMEONE)])
    packed = b"".join(struct.pack("<HHI", *each) for each in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + packed)
    except OSError as error:
        pytest.skip(f"no access control lists on this file system: {error}")


def test_nobody_is_advised_to_change_a_folder_that_all_share(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(PermissionError, match="choose a folder inside it"):
        open_folder(tmp_path)


def test_a_link_of_ones_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere/../elsewhere")
    (tmp_path / "elsewhere").mkdir()
    folder = open_folder(tmp_path / "link" / "run")
    assert os.path.samestat(os.fstat(folder), (tmp_path / "elsewhere" / "run").stat())
    os.close(folder)
    (tmp_path / "absolute").symlink_to(tmp_path / "elsewhere")
    os.close(open_folder(tmp_path / "absolute"))


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        open_folder(tmp_path / "a")


@as_root
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "home").mkdir()
    (tmp_path / "run").symlink_to("home")
    os.lchown(tmp_path / "run", SOMEONE, -1)
    with pytest.raises(PermissionError, match=f"belongs to user .*{tmp_path}/run"):
        open_folder(tmp_path / "run" / "inside")


@as_root
@pytest.mark.parametrize("at", ["theirs", "theirs/mine"])
def test_a_folder_of_another_user_is_not_used(tmp_path: Path, at: str) -> None:
    (tmp_path / "theirs" / "mine").mkdir(parents=True)
    os.chown(tmp_path / "theirs", SOMEONE, SOMEONE)
    with pytest.raises(PermissionError, match="belongs to user"):
        open_folder(tmp_path / at)


@as_root
def test_a_file_of_another_user_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("theirs")
    os.chown(tmp_path / "file", SOMEONE, SOMEONE)
    with pytest.raises(PermissionError, match="belongs to user"):
        write_file(tmp_path / "file", "mine")
    assert (tmp_path / "file").read_text() == "theirs"
