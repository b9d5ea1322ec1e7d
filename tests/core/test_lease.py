"""Who is alive, as far as one can be certain."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from hygge.core import lease
from hygge.core.lease import Owner

READ_FOR_EVER = [sys.executable, "-c", "print(flush=True); import sys; sys.stdin.read()"]


def test_we_are_alive_and_every_time_another_owner() -> None:
    first, second = Owner.me(), Owner.me()
    assert not first.is_dead
    assert first != second
    assert replace(first, nonce="") == replace(second, nonce="")
    assert str(first) == f"process {os.getpid()} on {first.host}"


def test_a_process_is_dead_when_it_has_ended_even_if_nobody_noticed() -> None:
    with subprocess.Popen(READ_FOR_EVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        other = replace(Owner.me(), pid=child.pid, started=lease._started(child.pid))
        assert not other.is_dead
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert other.is_dead, "a zombie does nothing any more"
        child.wait()
        assert other.is_dead


def test_another_process_with_an_old_number_is_not_the_one_that_died() -> None:
    assert replace(Owner.me(), started="1").is_dead


def test_before_the_last_boot_nobody_lives() -> None:
    assert replace(Owner.me(), boot="another").is_dead


def test_elsewhere_only_time_tells() -> None:
    gone = replace(Owner.me(), host="elsewhere", boot="another", started="1")
    assert not gone.is_dead


@pytest.mark.parametrize("name", ["a) (b", "sleeper"])
def test_a_name_with_brackets_does_not_confuse(name: str) -> None:
    code = f"open('/proc/self/comm', 'w').write({name!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert lease._started(child.pid).isdecimal()
        child.kill()
