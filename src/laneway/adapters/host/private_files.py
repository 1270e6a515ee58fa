"""Folders and files that no other local user can have planted or can replace.

Everything that laneway writes below a run or log directory is opened here. Without that, a user
who once could write to the directory could leave a link there, and laneway would overwrite the
file that it leads to. Paths are walked from the root, one open folder after the other, so what was
checked is what is used. The rules are those of OpenSSH's ``StrictModes``, with links allowed where
only root or this user can have made them.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITABLE_BY_GROUP = 0o020
_WRITABLE_BY_ALL = 0o002
# A POSIX access control list (acl(5)) as the kernel hands it out: a version, then entries of tag,
# permissions and id. While a file has one, the group's bits of its mode are the list's mask.
_ACL = "system.posix_acl_access"
_ACL_VERSION_SIZE, _ACL_ENTRY = 4, struct.Struct("<HHI")
_NAMED_USER, _NAMED_GROUP, _WRITE = 0x02, 0x08, 0x02
# As many as the kernel follows in one path.
_MOST_LINKS = 40
_LINK = "is a link, which laneway does not follow; remove it"


def open_folder(path: Path, *, allow_sticky: bool = False) -> int:
    """A descriptor of the folder ``path``, for ``dir_fd``. What is missing is made, private.

    Raises ``OSError``: with EPERM where another user could write to the folder, or could put
    another in its place; ``filename`` is then the part of the path that allows it.
    ``allow_sticky`` accepts folders such as ``/tmp``, in which what exists cannot be replaced.
    """
    at, here = os.open("/", _FOLDER), Path("/")
    try:
        links = 0
        names = list(reversed(path.absolute().parts[1:]))
        while names:
            name = names.pop()
            step = Path(name) if name == "/" else here / name
            status = _status(at, name, step)
            if stat.S_ISLNK(status.st_mode):
                _check_owner(status, step)
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
                names.extend(reversed(Path(os.readlink(name, dir_fd=at)).parts))
                continue
            at, parent = _enter(at, name, step), at
            os.close(parent)
            here = step
            _check_folder(at, here, sticky=allow_sticky or bool(names))
    except BaseException:
        os.close(at)
        raise
    return at


def open_file(folder: int, path: Path, flags: int) -> int:
    """Open ``path``, which is in ``folder``, made with mode 0600 if it is missing.

    ``flags`` must not have O_TRUNC, which would come before the checks. Raises ``OSError``: with
    ELOOP for a link, EPERM for what is another user's or has a second name elsewhere.
    """
    # O_NONBLOCK, since a FIFO would wait for a reader; it means nothing for a file.
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _naming(path):
        descriptor = os.open(path.name, flags, 0o600, dir_fd=folder)
    try:
        check_entry(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_file(path: Path, text: str) -> None:
    """Replace what is in ``path``, readable by this user alone. Raises ``OSError``."""
    folder = open_folder(path.parent)
    try:
        descriptor = open_file(folder, path, os.O_WRONLY | os.O_CREAT)
    finally:
        os.close(folder)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.ftruncate(descriptor, 0)
        file.write(text)


def check_tree(folder: int, path: Path, name: str) -> None:
    """Check all that is below ``name`` in ``path``, of which ``folder`` is a descriptor.

    Raises ``OSError`` as ``check_entry`` does, for the first entry that is not ours alone.
    """
    for where, folders, files, descriptor in os.fwalk(name, dir_fd=folder):
        for entry in folders + files:
            status = os.stat(entry, dir_fd=descriptor, follow_symlinks=False)
            check_entry(status, path / where / entry)


def check_entry(status: os.stat_result, path: Path) -> None:
    """Raises ``OSError`` unless the file or folder can only have been made by this user."""
    if stat.S_ISCHR(status.st_mode):  # such as /dev/null; only root makes devices
        return
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, _LINK, str(path))
    if status.st_uid != os.geteuid():
        raise _refusal(f"belongs to {_user(status.st_uid)}; remove it", path)
    if _writable_by_others(status, path):
        raise _refusal("can be written by other users; remove it", path)
    if stat.S_ISFIFO(status.st_mode):  # to open it could take for ever
        raise _refusal("is a named pipe; remove it", path)
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        raise _refusal("is another file's second name (a hard link); remove it", path)


def _status(at: int, name: str, step: Path) -> os.stat_result:
    """Of ``name``, which is made if it is missing."""
    with _naming(step):
        try:
            return os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=at)
            return os.stat(name, dir_fd=at, follow_symlinks=False)


def _enter(at: int, name: str, step: Path) -> int:
    with _naming(step):
        return os.open(name, _FOLDER, dir_fd=at)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors name the whole path instead of what is relative to an open folder."""
    try:
        yield
    except OSError as error:
        reason = _LINK if error.errno == errno.ELOOP else error.strerror
        raise OSError(error.errno, reason, str(path)) from None


def _check_folder(folder: int, path: Path, *, sticky: bool) -> None:
    """``sticky``: whether that bit helps, as it does for what is in a folder that exists."""
    status = os.fstat(folder)
    _check_owner(status, path)
    if _writable_by_others(status, Path(f"/proc/self/fd/{folder}")) and not (
        sticky and status.st_mode & stat.S_ISVTX
    ):
        remedy = (
            "choose a folder inside it"
            if status.st_mode & stat.S_ISVTX  # /tmp must stay as it is
            else "take that away (chmod go-w), or choose another folder"
        )
        raise _refusal(f"can be written by other users; {remedy}", path)


def _check_owner(status: os.stat_result, path: Path) -> None:
    # In a user namespace without root, the owner of "/" is whoever stands for it.
    if status.st_uid not in (os.geteuid(), 0, os.stat("/").st_uid):
        owner = _user(status.st_uid)
        raise _refusal(f"belongs to {owner}, who could change it; choose another folder", path)


def _writable_by_others(status: os.stat_result, path: Path) -> bool:
    """``path`` leads to what has this ``status``."""
    if status.st_mode & _WRITABLE_BY_ALL:
        return True
    if not status.st_mode & _WRITABLE_BY_GROUP:
        return False
    return not _is_private_group(status.st_gid) or _names_a_writer(path)


def _names_a_writer(path: Path) -> bool:
    """Whether an access control list lets a user or group that it names write."""
    try:
        entries = os.getxattr(path, _ACL)[_ACL_VERSION_SIZE:]
    except OSError:  # it has none, or the file system knows none
        return False
    return any(
        tag in (_NAMED_USER, _NAMED_GROUP) and permissions & _WRITE
        for tag, permissions, _ in _ACL_ENTRY.iter_unpack(entries)
    )


def _is_private_group(number: int) -> bool:
    """Whether the group has this user alone, as where each user is given a group of that name."""
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(number)
    except KeyError:
        return False
    return (
        user.pw_gid == number
        and group.gr_name == user.pw_name
        and set(group.gr_mem) <= {user.pw_name}
    )


def _user(number: int) -> str:
    try:
        return f"user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"


def _refusal(reason: str, path: Path) -> PermissionError:
    return PermissionError(errno.EPERM, reason, str(path))
