"""Who is believed to be the server: those for whom somebody vouches whom this machine trusts."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from hygge.core.errors import ConfigError

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the certificates they trust."""
_WORDS = (
    "certificate verify failed",
    "CERTIFICATE_VERIFY_FAILED",
    "does not match host name",
    "root certificate file",
    "does not support SSL",
    "doesn't support SSL",
    "SSL is required",
    "SSL was required",
    "could not get server",
)


def trusting(ca: str | None) -> ssl.SSLContext:
    """For a driver that speaks TLS by Python. Raises ConfigError for a `ca` that is none."""
    try:
        made = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as failed:
        raise ConfigError(f"`ca` cannot be read: {failed}", file=ca) from failed
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT  # which servers' own certificates do not stand
    return made


def trusted() -> str:
    """The file of what this machine trusts, for a driver that wants to be told."""
    known = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    found = (path for path in (known, *_BUNDLES) if path and Path(path).is_file())
    return next(found, "system")


def not_believed(told: str) -> ConfigError | None:
    """What a driver complains of, if it is that we cannot be sure who answers."""
    if not any(word in told for word in _WORDS):
        return None
    if "support SSL" in told or "required" in told:
        hint = "let the server have a certificate; or `tls: false`, if nobody else is on the way"
    elif "match" in told:
        hint = "connect by the name that the certificate has"
    else:
        hint = "give `ca`: the file with the certificate of who vouches for the server"
    return ConfigError(f"it is not sure who answers: {told}", hint=hint)
