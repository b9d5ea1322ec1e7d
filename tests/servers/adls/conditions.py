"""Conditions and leases: whether this request may be done to what is there now."""

from __future__ import annotations

import uuid
from email.utils import formatdate, parsedate_to_datetime

from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.lake import Account, Entry, Lease
from tests.servers.adls.refusals import Refused, there_already


def _unmet(request: Request) -> Refused:
    if request.method in ("GET", "HEAD"):
        return Refused(304, "ConditionNotMet")
    return Refused(412, "ConditionNotMet", "The condition specified using headers is not met.")


def check(request: Request, entry: Entry | None, modified: float = 0.0, prefix: str = "") -> None:
    """Raises Refused unless every condition of the headers holds."""
    wanted = request.header(f"{prefix}If-Match")
    if wanted is not None and (entry is None or wanted not in ("*", entry.etag)):
        raise Refused(412, "ConditionNotMet", "The condition specified using headers is not met.")
    unwanted = request.header(f"{prefix}If-None-Match")
    if entry is None:
        return
    if unwanted == "*" and request.method not in ("GET", "HEAD"):
        raise there_already(request.dfs)
    if unwanted in ("*", entry.etag):
        raise _unmet(request)
    since = request.header(f"{prefix}If-Modified-Since")
    if since is not None and int(modified) <= parsedate_to_datetime(since).timestamp():
        raise _unmet(request)
    before = request.header(f"{prefix}If-Unmodified-Since")
    if before is not None and int(modified) > parsedate_to_datetime(before).timestamp():
        raise Refused(412, "ConditionNotMet", "The condition specified using headers is not met.")


def held(account: Account, entry: Entry | None) -> Lease | None:
    """The lease that is still on."""
    lease = entry.lease if entry is not None else None
    if lease is None or (lease.until is not None and lease.until <= account.clock()):
        return None
    return lease


def check_lease(
    account: Account, request: Request, entry: Entry | None, name: str = "x-ms-lease-id"
) -> None:
    """Raises Refused for a change of what another holds."""
    lease, shown = held(account, entry), request.header(name) or None  # it may be sent empty
    if lease is not None and shown is None:
        raise Refused(412, "LeaseIdMissing", "There is a lease and no lease ID was specified.")
    if lease is not None and shown != lease.name:
        told = "The lease ID specified did not match the lease ID for the path."
        raise Refused(412, "LeaseIdMismatchWithBlobOperation", told)
    if lease is None and shown is not None:
        told = "There is currently no lease on the path."
        raise Refused(412, "LeaseNotPresentWithBlobOperation", told)


def lease(account: Account, request: Request, entry: Entry) -> Reply:
    """Take, keep or give back a lease."""
    action, own = request.header("x-ms-lease-action"), request.header("x-ms-lease-id")
    now, there = account.clock(), held(account, entry)
    headers = {"ETag": entry.etag, "Last-Modified": formatdate(entry.made, usegmt=True)}
    if action == "acquire":
        name = request.header("x-ms-proposed-lease-id") or str(uuid.uuid4())
        if there is not None and there.name != name:
            raise Refused(409, "LeaseAlreadyPresent", "There is already a lease present.")
        seconds = int(request.header("x-ms-lease-duration") or -1)
        if seconds != -1 and not 15 <= seconds <= 60:
            raise Refused(400, "InvalidHeaderValue", "x-ms-lease-duration")
        entry.lease = Lease(name, None if seconds == -1 else now + seconds)
        return Reply(201, headers={**headers, "x-ms-lease-id": name})
    if action == "break":
        entry.lease = None
        return Reply(202, headers={**headers, "x-ms-lease-time": "0"})
    if there is None or there.name != own:
        raise Refused(409, "LeaseIdMismatchWithLeaseOperation", "The lease ID did not match.")
    if action == "release":
        entry.lease = None
    elif action == "renew":
        seconds = int(request.header("x-ms-lease-duration") or 60)
        there.until = None if there.until is None else now + seconds
    elif action == "change":
        there.name = request.header("x-ms-proposed-lease-id") or there.name
    else:
        raise Refused(400, "InvalidHeaderValue", "x-ms-lease-action")
    return Reply(200, headers={**headers, "x-ms-lease-id": there.name})
