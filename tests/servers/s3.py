"""A private S3 server, moto's, in a process of its own; it keeps to conditions."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Mapping
from functools import cache

KEYS = {"access_key_id": "test", "secret_access_key": "testtest", "region": "us-east-1"}


def url() -> str:
    """Where it listens: one for all tests of this process."""
    return f"http://127.0.0.1:{_running()[1]}"


def fill(bucket: str, objects: Mapping[str, bytes]) -> None:
    """Objects that are there at once: nobody sends them."""
    server, _ = _running()
    assert server.stdin is not None
    assert server.stdout is not None
    things = {key: data.decode("latin-1") for key, data in objects.items()}
    server.stdin.write(json.dumps([bucket, things]) + "\n")
    server.stdin.flush()
    server.stdout.readline()


_SCRIPT = """
import json, sys
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
for line in sys.stdin:
    bucket, things = json.loads(line)
    for key, text in things.items():
        s3_backends["123456789012"]["aws"].put_object(bucket, key, text.encode("latin-1"))
    print("done", flush=True)
"""


@cache
def _running() -> tuple[subprocess.Popen[str], str]:
    """The server, and its port."""
    made = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        stdin=subprocess.PIPE,  # it ends when we do
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert made.stdout is not None
    atexit.register(made.kill)
    for line in made.stdout:
        if line.strip().isdigit():
            return made, line.strip()
    raise RuntimeError("the S3 server did not start")


def environment(place: str) -> dict[str, str]:
    """How Amazon's own tools are told of a server, and of who we are."""
    told = {f"AWS_{key.upper()}": value for key, value in KEYS.items()}
    return {**told, "AWS_ENDPOINT_URL": place}


def settings(bucket: str) -> dict[str, object]:
    """A connection to a bucket, as a user would write it."""
    credential = {"type": "aws", "method": "keys"}
    credential |= {key: KEYS[key] for key in ("access_key_id", "secret_access_key")}
    return {
        "bucket": bucket,
        "endpoint": url(),
        "region": KEYS["region"],
        "credential": credential,
    }


def new_bucket() -> str:
    """An empty one of its own."""
    name = f"b{uuid.uuid4().hex[:20]}"
    asked = urllib.request.Request(f"{url()}/{name}", method="PUT")
    asked.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/a")
    with urllib.request.urlopen(asked):
        return name
