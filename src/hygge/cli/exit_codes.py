"""What hygge's exit says to the shell that called it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from hygge.core.errors import ConfigError, ConnectionFailed, FlowBusy


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """Some flow failed, or a command could not do what it was asked for."""
    CONFIG = 2
    """What the user wrote cannot be: trying again will not help."""
    CONNECTION = 3
    """A system could not be reached, or another run is at work: worth trying again later."""
    INTERRUPTED = 130
    """Ctrl-C, or SIGTERM."""


def code_of(error: BaseException) -> ExitCode:
    """The code of one error."""
    match error:
        case ConfigError():
            return ExitCode.CONFIG
        case ConnectionFailed() | FlowBusy():
            return ExitCode.CONNECTION
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
    return ExitCode.FAILED


def code_of_all(errors: Iterable[BaseException]) -> ExitCode:
    """One code for many errors: theirs if they are of one kind, FAILED if they differ."""
    codes = {code_of(error) for error in errors}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
