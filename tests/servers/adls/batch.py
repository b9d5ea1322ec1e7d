"""Many deletes in one request, each with an answer of its own."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import Parser

from tests.servers.adls import access, blob
from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.lake import Account
from tests.servers.adls.refusals import Refused


def batch(account: Account, request: Request) -> Reply:
    found = re.search(r"boundary=\"?([^\";]+)", request.header("Content-Type") or "")
    if found is None:
        raise Refused(400, "InvalidHeaderValue", "Content-Type")
    mark = found[1]
    answers = [
        _answer(account, part.strip("\r\n"))
        for part in request.body.decode().split(f"--{mark}")[1:-1]
    ]
    told = "".join(f"--{mark}\r\n{answer}" for answer in answers) + f"--{mark}--\r\n"
    return Reply(202, told.encode(), {"Content-Type": f"multipart/mixed; boundary={mark}"})


def _answer(account: Account, part: str) -> str:
    outer, _, inner = part.partition("\r\n\r\n")
    number = _headers(outer).get("Content-ID", "0")
    first, _, rest = inner.partition("\r\n")
    method, path, _ = first.split(" ")
    asked = Request(method, path, _headers(rest))
    if asked.account != account.name:
        asked = Request(method, f"/{account.name}{path}", asked.headers)
    head = f"Content-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 "
    try:
        access.check(account, Request(method, path, asked.headers))
        reply = blob.blob(account, asked)
    except Refused as refused:
        told = f"{refused.status} {refused.message}\r\nx-ms-error-code: {refused.code}\r\n"
        return f"{head}{told}\r\n"
    return f"{head}{reply.status} Accepted\r\nx-ms-request-id: 1\r\n\r\n"


def _headers(text: str) -> Message:
    return Parser().parsestr(text, headersonly=True)
