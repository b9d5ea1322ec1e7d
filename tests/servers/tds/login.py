"""Who is there: PRELOGIN with its TLS handshake, and LOGIN7 ([MS-TDS] 2.2.6.4, 2.2.6.5)."""

from __future__ import annotations

import ssl
import struct
from dataclasses import dataclass

from tests.servers.tds import tokens
from tests.servers.tds.errors import SqlError
from tests.servers.tds.packets import PRELOGIN, Closed, Wire
from tests.servers.tds.server import Database, Server

_OFF, _ON, _NEVER = 0, 1, 2
_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _FEDERATED = 0, 1, 2, 3, 4, 6
_FEDAUTH = 0x02
TOKEN, EXPIRED = "let-me-in", "expired"


@dataclass(frozen=True)
class Login:
    """What the client said of itself. `token` is that of an identity, in place of a password."""

    user: str
    password: str
    host: str
    program: str
    database: str
    packet_size: int
    token: str | None = None


def accept(wire: Wire, server: Server) -> tuple[Login, Database]:
    """Raises SqlError for one that may not come in, and Closed."""
    strict = wire.begins_with_tls()
    if strict:
        wire.handshake_first(server.context)
    federated = _prelogin(wire, server.context, strict=strict)
    message = wire.read()
    if wire.tls is not None and not wire.stays_encrypted:
        wire.tls = None
    login = _parsed(message.body)
    return login, _checked(login, server, federated=federated)


def _prelogin(wire: Wire, context: ssl.SSLContext, *, strict: bool) -> bool:
    """Whether the client will come with a token."""
    message = wire.read()
    if message.kind != PRELOGIN:
        raise Closed
    asked = _options(message.body)
    wanted = asked.get(_ENCRYPTION, b"\2")[0]
    given = {_OFF: _OFF, _NEVER: _NEVER}.get(wanted, _ON)
    federated = asked.get(_FEDERATED, b"\0") == b"\1"
    answer = {_VERSION: bytes([16, 0, 0x10, 0, 0, 0]), _ENCRYPTION: bytes([given])}
    answer |= {_INSTANCE: b"\0", _THREAD: b"", _MARS: b"\0"}
    if federated:
        answer[_FEDERATED] = b"\1"
    head, data = b"", b""
    start = 5 * len(answer) + 1
    for option, value in answer.items():
        head += struct.pack(">BHH", option, start + len(data), len(value))
        data += value
    wire.write(head + b"\xff" + data)
    wire.stays_encrypted = strict or given == _ON
    if given != _NEVER and not strict:
        wire.handshake(context)
    return federated


def _options(body: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(body) and body[at] != 0xFF:
        option, start, length = struct.unpack_from(">BHH", body, at)
        found[option] = body[start : start + length]
        at += 5
    return found


def _parsed(body: bytes) -> Login:
    def raw(number: int) -> bytes:
        start, length = struct.unpack_from("<HH", body, 36 + 4 * number)
        return body[start : start + 2 * length]

    def text(number: int) -> str:
        return raw(number).decode("utf-16-le")

    password = bytes(((b ^ 0xA5) << 4 | (b ^ 0xA5) >> 4) & 0xFF for b in raw(2))
    (size,) = struct.unpack_from("<I", body, 8)
    return Login(
        user=text(1),
        password=password.decode("utf-16-le"),
        host=text(0),
        program=text(3),
        database=text(8) or "master",
        packet_size=min(max(size or 4096, 512), 32767),
        token=_token(body) if body[27] & 0x10 else None,
    )


def _token(body: bytes) -> str | None:
    """The access token among the login's extensions."""
    (start,) = struct.unpack_from("<H", body, 36 + 4 * 5)
    (at,) = struct.unpack_from("<I", body, start)
    while body[at] != 0xFF:
        feature, length = struct.unpack_from("<BI", body, at)
        data = body[at + 5 : at + 5 + length]
        if feature == _FEDAUTH and data[0] >> 1 == 1:
            (size,) = struct.unpack_from("<I", data, 1)
            return data[5 : 5 + size].decode("utf-16-le")
        at += 5 + length
    return None


def _checked(login: Login, server: Server, *, federated: bool) -> Database:
    if login.token is not None:
        good = login.token in (TOKEN, EXPIRED)
        who = "<token-identified principal>"
    else:
        good, who = (login.user, login.password) == server.login, login.user
    refused = SqlError(18456, f"Login failed for user '{who}'.", 14)
    if not good:
        raise refused
    try:
        return server.database(login.database)
    except SqlError:
        told = f'Cannot open database "{login.database}" requested by the login. The login failed.'
        raise SqlError(4060, told, 11) from refused


def welcome(login: Login, database: Database) -> bytes:
    """What follows an accepted login."""
    out = tokens.changed(1, database.name, "master") + tokens.collation()
    out += tokens.changed(2, "us_english") + tokens.login_accepted()
    out += tokens.changed(4, str(login.packet_size), "4096")
    if login.token is not None:
        out += b"\xae" + struct.pack("<BI", _FEDAUTH, 0) + b"\xff"
    return out + tokens.done()


def refusal(failed: SqlError) -> bytes:
    """What follows one that is not."""
    out = tokens.error(failed)
    if isinstance(failed.__cause__, SqlError):
        out += tokens.error(failed.__cause__)
    return out + tokens.done(status=tokens.ERROR)
