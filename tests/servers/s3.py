"""A private S3 server, moto's, in a process of its own; it keeps to conditions."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import urllib.request
import uuid
from functools import cache

KEYS = {"access_key_id": "test", "secret_access_key": "testtest", "region": "us-east-1"}


@cache
def url() -> str:
    """Where it listens: one for all tests of this process."""
    script = (
        "import sys; from moto.server import ThreadedMotoServer; "
        "s = ThreadedMotoServer('127.0.0.1', 0, verbose=False); s.start(); "
        "print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
    )
    made = subprocess.Popen(
        [sys.executable, "-c", script],
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
            return f"http://127.0.0.1:{line.strip()}"
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
