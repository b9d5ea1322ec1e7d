"""A process that has imported everything and started no thread: it forks once per crash point.

Importing takes a second, forking a few milliseconds; and only a process without threads may fork.

    with Zygote("tests.crash.story") as zygote:
        ending = zygote.run(story.load, folder)      # module-level functions only
        assert ending.killed
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn, Self

_BEGIN = "import sys; from hygge.testing import zygote; zygote.serve(sys.argv[1:])"
LONGEST = 60
"""Seconds until a child that hangs is killed: SIGALRM."""


@dataclass(frozen=True)
class Ending:
    """What became of a child. `code` is its exit status, negative for a signal, None: it sleeps.

    `said` is what its function returned; `trace` the traceback if it raised.
    """

    code: int | None
    said: Any = None
    trace: str = ""

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def asleep(self) -> bool:
        return self.code is None


class Zygote:
    """Forks children that run one function each, one child at a time."""

    def __init__(self, *imports: str) -> None:
        path = [entry for entry in sys.path if entry]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self.threads: tuple[str, ...] = _take(self._from)
        """The threads it has: what libraries start when they are imported, and know to fork."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._to.close()
        self._from.close()
        self._process.wait()

    def run(self, work: Callable[..., Any], *args: Any) -> Ending:
        """Run it in a fork, until it ends or falls asleep (SIGSTOP)."""
        self.start(work, *args)
        return self.wait()

    def start(self, work: Callable[..., Any], *args: Any) -> int:
        """Begin it in a fork and return its pid; then `wait`."""
        _give(self._to, (work, args))
        return int(_take(self._from))

    def wait(self) -> Ending:
        """Until the child ends or falls asleep."""
        ending = _take(self._from)
        assert isinstance(ending, Ending)
        return ending

    def wake(self) -> Ending:
        """Let a sleeping child go on, and wait."""
        _give(self._to, "wake")
        return self.wait()


def _give(to: IO[bytes], thing: object) -> None:
    data = pickle.dumps(thing)
    to.write(struct.pack("<I", len(data)) + data)
    to.flush()


def _take(source: IO[bytes]) -> Any:
    head = source.read(4)
    if len(head) < 4:
        raise EOFError
    return pickle.loads(source.read(struct.unpack("<I", head)[0]))


def serve(imports: list[str]) -> None:
    """The zygote's whole life."""
    for name in imports:
        import_module(name)
    gc.collect()
    gc.freeze()  # a child's collector need not touch, and so copy, what it was born with
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a child prints must not be taken for an answer
    _give(answers, tuple(sorted(map(_name, Path("/proc/self/task").iterdir()))))
    with contextlib.suppress(EOFError):
        while True:
            work, args = _take(asked)
            _tend(asked, answers, work, args)


def _name(thread: Path) -> str:
    return (thread / "comm").read_text().strip()


def _tend(asked: IO[bytes], answers: IO[bytes], work: Callable[..., Any], args: Any) -> None:
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            _live(said, work, args)
        _give(answers, pid)
        try:
            while (code := _ended(pid)) is None:
                _give(answers, Ending(None))
                _take(asked)
                os.kill(pid, signal.SIGCONT)
        except EOFError:  # nobody waits any more
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        said.seek(0)
        told = said.read()
    _give(answers, Ending(code, *(pickle.loads(told) if told else ())))


def _ended(pid: int) -> int | None:
    _, status = os.waitpid(pid, os.WUNTRACED)
    return None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)


def _live(to: IO[bytes], work: Callable[..., Any], args: Any) -> NoReturn:
    """The child's whole life: whatever happens, it never becomes a second zygote."""
    code = 1
    try:
        signal.alarm(LONGEST)
        try:
            told, code = pickle.dumps((work(*args), "")), 0
        except BaseException:  # noqa: BLE001 - told to whoever waits
            told = pickle.dumps((None, traceback.format_exc()))
        to.write(told)
        to.flush()
    finally:
        os._exit(code)
