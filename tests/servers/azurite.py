"""Azurite, Microsoft's own emulator of flat Blob storage: a second opinion beside ours.

It comes by npm, once, into the user's cache folder; where it cannot be had, the tests that want it
are skipped, out loud.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

VERSION = "3.35.0"
ACCOUNT = "devstoreaccount1"
# every Azurite has this key; it opens nothing else
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hygge-tests"


def _program() -> Path:
    """Installed the first time it is asked for: beside the place, then moved there."""
    place = _CACHE / f"azurite-{VERSION}"
    program = place / "node_modules" / ".bin" / "azurite-blob"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Azurite wants npm, which is not installed")
    _CACHE.mkdir(parents=True, exist_ok=True)
    beside = tempfile.mkdtemp(dir=_CACHE)
    asked = [npm, "install", f"azurite@{VERSION}", "--no-audit", "--no-fund", "--silent"]
    told = subprocess.run(
        [*asked, "--prefix", beside], capture_output=True, text=True, check=False, timeout=300
    )
    try:
        if told.returncode == 0:
            Path(beside).rename(place)
    except OSError:  # another was faster
        shutil.rmtree(beside)
    if not program.exists():
        shutil.rmtree(beside, ignore_errors=True)
        pytest.skip(f"Azurite cannot be installed: {told.stderr.strip()[-300:]}")
    return program


@cache
def url() -> str:
    """Where it listens: one for all tests of this process."""
    program = _program()
    folder = tempfile.TemporaryDirectory(prefix="hygge-azurite-")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--blobHost", "127.0.0.1"]
    made = subprocess.Popen(
        [str(program), *told, "--blobPort", str(port), "--location", folder.name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(folder.cleanup)
    atexit.register(made.kill)
    _until_it_answers(made, port)
    return f"http://127.0.0.1:{port}/{ACCOUNT}"


def _until_it_answers(made: subprocess.Popen[bytes], port: int) -> None:
    while made.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            continue
    raise RuntimeError("Azurite did not start")


def new_container() -> str:
    name = f"c{uuid.uuid4().hex[:20]}"
    credential = {"account_name": ACCOUNT, "account_key": KEY}
    with BlobServiceClient(url(), credential=credential) as client:
        client.create_container(name)
    return name


def settings(container: str) -> dict[str, Any]:
    """A connection to a container, as a user would write it."""
    credential = {"type": "azure_key", "account_key": KEY}
    told = {"account": ACCOUNT, "container": container, "endpoint": url()}
    return {**told, "credential": credential}
