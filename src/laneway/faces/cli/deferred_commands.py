"""Groups of commands that are built one by one, when each is asked for.

Typer reads the signatures of all commands before it runs one of them, and formats help with Rich.
Both take longer than most commands do. Here a list of commands takes their names and docstrings
alone, and help is plain text.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_command_name, get_group

if TYPE_CHECKING:
    from typer.models import CommandInfo, TyperInfo

Command = TyperCommand | TyperGroup


def group_of(app: typer.Typer, sections: Mapping[str, Collection[str]] | None = None) -> TyperGroup:
    """The group that an app declares with its commands and its groups.

    ``sections`` has the names of commands by the title under which help lists them; commands that
    are in none are listed under "Commands".
    """
    group = cast(_Group, get_group(_part(app, cls=_Group)))
    group.commands = cast(Any, _Commands(app))
    group.sections = sections or {}
    return group


class _Commands(Mapping[str, "Command"]):
    def __init__(self, app: typer.Typer) -> None:
        infos: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
        self._declared = {_name(info): info for info in infos}
        self._built: dict[str, Command] = {}

    def summary(self, name: str) -> str:
        """The first paragraph of a command's help."""
        return " ".join(_help(self._declared[name]).partition("\n\n")[0].split())

    def __getitem__(self, name: str) -> Command:
        if name not in self._built:
            self._built[name] = _command(self._declared[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


class _Group(TyperGroup):
    sections: Mapping[str, Collection[str]]

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            from laneway.faces.cli.usage_errors import plain_message

            error.message = plain_message(error)
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = cast(_Commands, self.commands)
        sorted_in = {name for names in self.sections.values() for name in names}
        others = [name for name in commands if name not in sorted_in]
        for title, names in [*self.sections.items(), ("Commands", others)]:
            if names:
                with formatter.section(title):
                    formatter.write_dl([(name, commands.summary(name)) for name in names])


def _name(info: CommandInfo | TyperInfo) -> str:
    return info.name or get_command_name(cast(Any, info.callback).__name__)


def _help(info: CommandInfo | TyperInfo) -> str:
    app = getattr(info, "typer_instance", None)
    return str(app.info.help) if app else inspect.getdoc(cast(Any, info.callback)) or ""


def _command(info: CommandInfo | TyperInfo) -> Command:
    if app := getattr(info, "typer_instance", None):
        group = group_of(app)
        group.name = _name(info)
        return group
    one = typer.Typer(add_completion=False, rich_markup_mode=None)
    one.registered_commands.append(cast(Any, info))
    return cast(TyperCommand, get_command(one))


def _part(app: typer.Typer, cls: type[TyperGroup]) -> typer.Typer:
    """The app without its commands, and with plain help."""
    part = copy.copy(app)
    part.info = copy.copy(app.info)
    part.info.cls = cls
    part.rich_markup_mode = None
    part.registered_commands, part.registered_groups = [], []
    return part
