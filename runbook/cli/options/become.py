"""How a sudo password is given on the command line: never itself, always where it comes from. Ansible's own options."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FILE = "ANSIBLE_BECOME_PASSWORD_FILE"
"""Ansible's own variable of the environment that names a file with the password."""

_OPTIONS = (
    click.option("-K", "--ask-become-pass", "ask", is_flag=True, help="Ask for the sudo password, once, at the start."),
    click.option(
        "--become-password-file",
        "file",
        default="",
        envvar=FILE,
        metavar="FILE",
        help="Read the sudo password from a file.",
    ),
)


def become_options(verb: F) -> Callable[..., Any]:
    """Both together arrive as `sudo`: `prompt`, `file:PATH`, or an empty text."""

    @functools.wraps(verb)
    def packed(*, ask: bool, file: str, **rest: object) -> object:
        kept = f"file:{Path(file).expanduser().absolute()}" if file else ""
        return verb(sudo="prompt" if ask else kept, **rest)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), packed)
