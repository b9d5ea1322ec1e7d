"""Who asks: an account's key, a signed URL (SAS), or a token; and what they may do."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

from tests.servers.adls.asking import Request
from tests.servers.adls.lake import Account
from tests.servers.adls.refusals import Refused

_SIGNED = (
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
)
_NEEDS = {"GET": "rl", "HEAD": "rl", "PUT": "wca", "PATCH": "wa", "POST": "d", "DELETE": "d"}
_NOT_US = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is "
    "formed correctly including the signature."
)


def signature(key: str, text: str) -> str:
    return b64encode(hmac.new(b64decode(key), text.encode(), sha256).digest()).decode()


def token(account: Account, seconds: float = 3600, may: str = "rwdl", who: str = "tester") -> str:
    """An access token as Entra would give it; `may` are the letters of a SAS."""
    text = f"{who}.{may}.{account.clock() + seconds}"
    return f"{text}.{quote(signature(account.key, text), safe='')}"


def sas(account: Account, seconds: float = 3600, may: str = "rwdlacu") -> str:
    """An account's SAS, as the portal makes them."""
    ends = datetime.fromtimestamp(account.clock() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"sv": "2022-11-02", "ss": "b", "srt": "sco", "sp": may, "se": ends, "spr": "https,http"}
    told["sig"] = signature(account.key, _sas_text(account, told))
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in told.items())


def _sas_text(account: Account, told: dict[str, str]) -> str:
    names = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")
    return "".join(f"{word}\n" for word in (account.name, *(told.get(n, "") for n in names)))


def check(account: Account, request: Request) -> None:
    """Raises Refused unless somebody who may do this shows who they are."""
    shown = request.header("Authorization") or ""
    if account.open:
        return
    if shown.startswith("Bearer "):
        _check_token(account, request, shown.removeprefix("Bearer "))
    elif shown.startswith("SharedKey "):
        _check_key(account, request, shown.removeprefix("SharedKey "))
    elif "sig" in request.query:
        _check_sas(account, request)
    else:
        told = "Server failed to authenticate the request. Please refer to the information in the "
        raise Refused(401, "NoAuthenticationInformation", told, WWW_Authenticate="Bearer")


def _check_token(account: Account, request: Request, shown: str) -> None:
    text, _, signed = shown.rpartition(".")
    parts = text.split(".", 2)
    good = signed == quote(signature(account.key, text), safe="") and len(parts) == 3
    if not good or shown in account.revoked or float(parts[2]) <= account.clock():
        told = "Server failed to authenticate the request: the token is expired or not valid."
        raise Refused(401, "InvalidAuthenticationInfo", told, WWW_Authenticate="Bearer")
    _check_may(request, parts[1])


def _check_may(request: Request, letters: str) -> None:
    if not {*_NEEDS[request.method]} & {*letters}:
        told = "This request is not authorized to perform this operation using this permission."
        raise Refused(403, "AuthorizationPermissionMismatch", told)


def _check_sas(account: Account, request: Request) -> None:
    told = request.query
    if told["sig"] != signature(account.key, _sas_text(account, told)):
        raise Refused(403, "AuthenticationFailed", f"{_NOT_US} Signature did not match.")
    ends = datetime.fromisoformat(told["se"]).timestamp()
    if ends <= account.clock():
        raise Refused(403, "AuthenticationFailed", "Signature not valid in the specified time.")
    _check_may(request, told["sp"])


def _check_key(account: Account, request: Request, shown: str) -> None:
    name, _, signed = shown.partition(":")
    if name != account.name or signed != signature(account.key, _signed(account, request)):
        raise Refused(403, "AuthenticationFailed", _NOT_US)


def _signed(account: Account, request: Request) -> str:
    """What an account's key signs: the verb, known headers, ours of x-ms-, path and query."""
    values = [request.header(name) or "" for name in _SIGNED]
    values[2] = "" if values[2] == "0" else values[2]
    ours = sorted(
        (n.lower(), v.strip()) for n, v in request.headers.items() if n[:5].lower() == "x-ms-"
    )
    url = urlsplit(request.path)
    query: dict[str, list[str]] = {}
    for key, value in parse_qsl(url.query, keep_blank_values=True):
        query.setdefault(key.lower(), []).append(value)
    lines = [f"{key}:{','.join(sorted(values))}" for key, values in sorted(query.items())]
    head = [request.method, *values, *(f"{n}:{v}" for n, v in ours)]
    return "\n".join([*head, "\n".join([f"/{account.name}{url.path}", *lines])])
