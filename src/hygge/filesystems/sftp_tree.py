"""Folders of an SFTP server: looked through, made and taken away."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE

from hygge.filesystems.sftp_session import READ, Refused, Session

_PATIENCE = 10
"""How often something is tried again while others change the same folder."""


def look_at(session: Session, path: str) -> Any:
    """What a name leads to; None if to nothing."""
    try:
        return session.stat(path)
    except Refused as refused:
        if refused.code == SFTP_NO_SUCH_FILE:
            return None
        raise


def is_there(session: Session, path: str) -> bool:
    """Whether the name is taken, by a link that leads nowhere, too."""
    try:
        session.lstat(path)
    except Refused as refused:
        if refused.code == SFTP_NO_SUCH_FILE:
            return False
        raise
    return True


def is_folder(session: Session, path: str) -> bool:
    found = look_at(session, path)
    return found is not None and stat.S_ISDIR(found.st_mode or 0)


def entries(session: Session, folder: str) -> list[Any]:
    """What is in it, by name; nothing in one that is gone."""
    try:
        return sorted(session.listdir_attr(folder), key=lambda found: str(found.filename))
    except Refused as refused:
        if refused.code == SFTP_NO_SUCH_FILE:
            return []
        raise


def folders_in(session: Session, folder: str) -> list[str]:
    """The names of the folders in it, and of links that lead to some."""
    return [
        str(found.filename)
        for found in entries(session, folder)
        if stat.S_ISDIR(found.st_mode or 0)
        or (
            stat.S_ISLNK(found.st_mode or 0)
            and is_folder(session, posixpath.join(folder, found.filename))
        )
    ]


def below(session: Session, folder: str) -> Iterator[tuple[str, Any]]:
    """Every file at any depth, by its path within. Links are followed, but not in circles."""
    yield from _below(session, folder, "")


def _below(session: Session, folder: str, inside: str) -> Iterator[tuple[str, Any]]:
    for found in entries(session, folder):
        path, name = posixpath.join(folder, found.filename), f"{inside}{found.filename}"
        if stat.S_ISLNK(found.st_mode or 0):
            found = look_at(session, path) or found
            if stat.S_ISDIR(found.st_mode or 0) and _circles(session, path, folder):
                continue
        kind = stat.S_IFMT(found.st_mode or stat.S_IFREG)
        if kind == stat.S_IFDIR:
            yield from _below(session, path, f"{name}/")
        elif kind in (stat.S_IFREG, stat.S_IFLNK):
            # a link that leads nowhere is told, so that reading it fails aloud
            yield name, found


def _circles(session: Session, link: str, folder: str) -> bool:
    """Whether a link leads to a folder that it lies in."""
    real, here = str(session.normalize(link)), str(session.normalize(folder))
    return here == real or here.startswith(f"{real.rstrip('/')}/")


def make_folders(session: Session, folder: str) -> None:
    """With its parents, each durable in the one above it; again if one is pruned meanwhile."""
    for patience in range(_PATIENCE, -1, -1):
        try:
            _make_missing(session, folder)
        except Refused as refused:
            if refused.code != SFTP_NO_SUCH_FILE or not patience:
                raise
        else:
            return


def _make_missing(session: Session, folder: str) -> None:
    missing = list[str]()
    while folder != "/" and not is_folder(session, folder):
        missing.append(folder)
        folder = posixpath.dirname(folder)
    for made in reversed(missing):
        try:
            session.mkdir(made)
        except Refused:
            if not is_folder(session, made):
                raise
        keep_names(session, posixpath.dirname(made))


def keep_names(session: Session, folder: str) -> None:
    """Make the names in it durable, where the server opens folders; one that is gone has none."""
    with suppress(Refused), session.opened(folder, READ) as handle:
        session.make_durable(handle)


def remove(session: Session, path: str) -> None:
    """A file; that it is gone already is fine."""
    try:
        session.remove(path)
    except Refused as refused:
        if refused.code != SFTP_NO_SUCH_FILE:
            raise


def remove_tree(session: Session, folder: str) -> None:
    """With all in it, even if others put things there or take them away meanwhile."""
    for patience in range(_PATIENCE, -1, -1):
        try:
            _remove_once(session, folder)
        except Refused as refused:
            if refused.code not in (SFTP_NO_SUCH_FILE, SFTP_FAILURE) or not patience:
                raise
        if not is_there(session, folder):
            return


def _remove_once(session: Session, folder: str) -> None:
    for found in entries(session, folder):
        path = posixpath.join(folder, found.filename)
        if stat.S_ISDIR(found.st_mode or 0):
            _remove_once(session, path)
        else:
            remove(session, path)
    if is_there(session, folder):
        session.rmdir(folder)
