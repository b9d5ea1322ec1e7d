"""Runs one command and prints what it took, as JSON.

A program of its own, and a small one: a child's peak memory counts from that of the process it was
started by, so whoever measures must not be big. It imports nothing but these three.
"""

import os
import sys
import time


def main(log: str, command: list[str]) -> None:
    talk = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    redirected = [(os.POSIX_SPAWN_DUP2, talk, 1), (os.POSIX_SPAWN_DUP2, talk, 2)]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=redirected)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - began
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    code = os.waitstatus_to_exitcode(status)
    sys.stdout.write(
        f'{{"code": {code}, "wall": {wall!r}, "user": {used.ru_utime!r}, '
        f'"system": {used.ru_stime!r}, "peak": {peak}}}'
    )


main(sys.argv[1], sys.argv[2:])
