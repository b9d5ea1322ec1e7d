"""Certificates for a server that is called localhost, and who vouches for it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Papers:
    """Files: the server's certificate and its key, who vouches for it, and who does not."""

    cert: Path
    key: Path
    ca: Path
    stranger: Path


def papers(folder: Path) -> Papers:
    """Made anew, good for two days, in this folder."""
    made = Papers(
        *(folder / name for name in ("server.crt", "server.key", "ca.crt", "stranger.crt"))
    )
    for name in ("ca", "stranger"):
        _openssl(folder, name, "-subj", f"/CN=hygge test {name}")
    signed = ("-CA", str(made.ca), "-CAkey", str(folder / "ca.key"))
    plain = ("-addext", "basicConstraints=critical,CA:FALSE")
    named = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    _openssl(folder, "server", *named, *plain, *signed)
    return made


def _openssl(folder: Path, name: str, *more: str) -> None:
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    files = ("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"))
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *files, *more], check=True, capture_output=True
    )
