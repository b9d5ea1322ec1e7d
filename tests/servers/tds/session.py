"""One connection: its messages one after another, until the client goes away."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from contextlib import suppress

import duckdb
from tests.servers.tds import bulk, calls, login, running, settings, tokens
from tests.servers.tds.catalog import Catalog
from tests.servers.tds.errors import Cancelled, SqlError, told
from tests.servers.tds.packets import (
    ATTENTION,
    BATCH,
    BULK,
    RPC,
    TRANSACTION,
    Closed,
    Message,
    Streamed,
    Wire,
)
from tests.servers.tds.scene import SessionScene
from tests.servers.tds.server import Database, Server, now
from tests.servers.tds.transactions import Transactions

_BEGIN, _COMMIT, _ROLLBACK, _SAVE = 5, 7, 8, 9


def serve(server: Server, client: socket.socket) -> None:
    """From the first byte to the last."""
    wire = Wire(client)
    with suppress(Closed):
        try:
            who, database = login.accept(wire, server)
        except SqlError as failed:
            wire.write(login.refusal(failed))
            return
        wire.write(login.welcome(who, database))
        wire.packet_size = who.packet_size
        Session(server, wire, who, database).run()


class Session:
    """What a connection has: variables, settings, a transaction."""

    def __init__(self, server: Server, wire: Wire, who: login.Login, database: Database) -> None:
        self.server, self.wire, self.login = server, wire, who
        self.database = self.home = database
        self.id, self.since = server.next_session(), now()
        self.con = server.root.cursor()
        self.transactions = Transactions(server, self.con, self.id)
        self.scene = SessionScene(self)
        self.row_count, self.options = 0, 5432
        self.identity: int | None = None
        self.implicit = self.names_only = self.quiet = False
        self.identity_insert: str | None = None
        self.bulk: bulk.Bulk | None = None
        self.prepared: dict[int, tuple[str, str]] = {}
        self.stopped = threading.Event()
        self._busy = self._acknowledged = False
        self._inbox: queue.Queue[Message | None] = queue.Queue(64)

    @property
    def row(self) -> str:
        """As one of VALUES."""
        host, program, who = (
            text.replace("'", "''")
            for text in (self.login.host, self.login.program, self.login.user)
        )
        depth, tls = self.transactions.depth, self.wire.tls is not None
        named = f"'{self.since}', '{host}', '{program}', '{who}'"
        return f"({self.id}, {named}, {self.database.id}, {depth}, {tls})"

    def run(self) -> None:
        self.server.sessions[self.id] = self
        threading.Thread(target=self._read, daemon=True).start()
        try:
            while (message := self._inbox.get()) is not None:
                if not self._answer(message):
                    break
        finally:
            self._leave()

    def _read(self) -> None:
        """What comes, while statements are running: an ATTENTION is heard at once."""
        try:
            while True:
                message = self.wire.read()
                if message.kind == ATTENTION:
                    self._stop()
                self._inbox.put(message)
        except (OSError, Closed, ValueError):
            self._stop()
            self._inbox.put(None)

    def _stop(self) -> None:
        self.stopped.set()
        if self._busy and not self._stays:
            self.con.interrupt()

    @property
    def _stays(self) -> bool:
        """Whether a transaction outlives a statement that is cancelled: it ends at its next rows,
        for DuckDB's transactions do not outlive an interrupt."""
        return bool(self.transactions.depth) and not self.options & settings.XACT_ABORT

    def _leave(self) -> None:
        self.server.sessions.pop(self.id, None)
        self.server.locks.priorities.pop(self.id, None)
        self.transactions.kept.clear()
        with suppress(duckdb.Error):
            self.transactions.rollback()
            catalog = Catalog(self.con, self.home.name)
            running.drop_temporary(self, catalog)
        self.con.close()
        self.hang_up()  # or the thread that reads would go on

    def hang_up(self) -> None:
        """The client finds nobody there."""
        with suppress(OSError):
            self.wire.sock.shutdown(socket.SHUT_RDWR)

    def _answer(self, message: Message) -> bool:
        """Whether the session goes on."""
        if message.kind == ATTENTION:
            self.stopped.clear()
            if not self._acknowledged:
                self.wire.write(tokens.done(status=tokens.ATTENTION))
            self._acknowledged = False
            return True
        out = Streamed(self.wire)
        self._busy = True
        try:
            self._run(message, out)
        except SqlError as failed:
            self._fail(failed, out, message.kind)
            if failed.fatal:
                return False
        except (Cancelled, duckdb.InterruptException):
            self._cancel(out)
        except duckdb.Error as failed:
            self._fail(told(failed), out, message.kind)
        finally:
            self._busy = False
        return True

    def _run(self, message: Message, out: Streamed) -> None:
        if self.login.token == login.EXPIRED:
            raise SqlError(37396, "The access token has expired.", 16, fatal=True)
        if message.kind == BATCH:
            sql = _after_headers(message.body).decode("utf-16-le")
            self.database.statements.append((self.id, sql))
            self.scene.variables = {}
            running.batch(self, sql, out)
            if not out.is_finished:
                out += tokens.done()
        elif message.kind == RPC:
            calls.run(self, message.body, out)
        elif message.kind == BULK:
            bulk.load(self, message.body, out)
        elif message.kind == TRANSACTION:
            self._manage(_after_headers(message.body), out)
        else:
            raise SqlError(4002, "The incoming tabular data stream is incorrect.")
        out.end()

    def _manage(self, body: bytes, out: Streamed) -> None:
        """A request of the transaction manager's."""
        (what,) = struct.unpack_from("<H", body)
        if what == _BEGIN:
            self.begin(out)
        elif what == _COMMIT:
            self.end(out, commit=True)
            self._begin_again(body, out)
        elif what == _ROLLBACK:
            self.end(out, commit=False)
            self._begin_again(body, out)
        elif what == _SAVE:
            raise SqlError(50000, "Savepoints are not to be had here.")
        else:
            raise SqlError(50000, f"The transaction request {what} is unknown.")
        out += tokens.done()

    def _begin_again(self, body: bytes, out: Streamed) -> None:
        """Where the request asks for another transaction after this one."""
        flags = body[3 + body[2]] if len(body) > 3 + body[2] else 0
        if flags & 1:
            self.begin(out)

    def begin(self, out: Streamed) -> None:
        self.transactions.begin()
        if self.transactions.depth == 1:
            number = struct.pack("<Q", self.transactions.id or 0)
            out += tokens.changed_bytes(8, number)

    def end(self, out: Streamed, *, commit: bool) -> None:
        """COMMIT or ROLLBACK: the client is told when the outermost one is over."""
        number = struct.pack("<Q", self.transactions.id or 0)
        if commit:
            self.transactions.commit()
        elif not self.transactions.depth:
            told = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlError(3903, told)
        else:
            self.transactions.rollback()
        if not self.transactions.depth:
            out += tokens.changed_bytes(9 if commit else 10, b"", number)

    def undo(self, out: Streamed) -> None:
        """After an error: all of the transaction."""
        if self.transactions.depth:
            self.end(out, commit=False)
        else:
            self.transactions.rollback()

    def _fail(self, failed: SqlError, out: Streamed, kind: int) -> None:
        out += tokens.error(failed)
        self.undo(out)
        self.bulk = None
        last = tokens.DONE_PROC if kind == RPC else tokens.DONE
        out += tokens.done(last, tokens.ERROR)
        out.end()

    def _cancel(self, out: Streamed) -> None:
        if not self._stays:
            self.undo(out)
        self._acknowledged = True
        out += tokens.done(status=tokens.ERROR)
        out.end()
        self.wire.write(tokens.done(status=tokens.ATTENTION))


def _after_headers(body: bytes) -> bytes:
    """ALL_HEADERS come first ([MS-TDS] 2.2.5.3)."""
    (length,) = struct.unpack_from("<I", body)
    return body[length:]
