"""What one run of one flow came to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hygge.core.errors import FlowSuspended, HyggeError
from hygge.core.journal import EntityRun, Status
from hygge.core.names import new_run_id
from hygge.core.store import Receipt
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms


@dataclass(frozen=True, slots=True)
class FlowReport:
    """The row of the history, the receipt if something was published, the error if it failed, and
    what was decided about columns."""

    name: str
    run: EntityRun
    receipt: Receipt | None = None
    error: HyggeError | None = None
    notes: Sequence[str] = ()

    @property
    def status(self) -> Status:
        return self.run.status

    @property
    def rows(self) -> int:
        return self.run.row_count


def changes(receipt: Receipt | None) -> Sequence[str]:
    """What a person should know of values that are not as the source gave them."""
    return [
        f"{count:,} values of {column} were changed into the nearest that the store can hold "
        "(allow_lossy)"
        for column, count in (receipt.changed if receipt else {}).items()
    ]


def entity_run(
    name: str,
    entity: str | None,
    settings: FlowSettings,
    terms: Terms,
    started: datetime,
    receipt: Receipt | None,
    error: HyggeError | None,
    notes: Sequence[str] = (),
) -> EntityRun:
    """The history's row. The runs of one flow's entities in one run share their flow_run_id."""
    flow = name.partition(".")[0]
    finished, mark = datetime.now(UTC), receipt.watermark if receipt else None
    status = Status.SUCCESS if receipt else Status.SKIP
    if error:
        status = Status.SUSPENDED if isinstance(error, FlowSuspended) else Status.FAIL
    deleted = f"{receipt.deleted:,} rows deleted" if receipt and receipt.deleted else None
    return EntityRun(
        entity_run_id=new_run_id(),
        coordinator_run_id=terms.run_id,
        flow_run_id=hashlib.md5(f"{terms.run_id}{flow}".encode()).hexdigest(),
        coordinator=terms.coordinator,
        flow=flow,
        entity=entity or flow,
        start_time=started,
        finish_time=finished,
        status=status,
        run_type=settings.run_type.value,
        row_count=receipt.rows if receipt else 0,
        duration=(finished - started).total_seconds(),
        primary_key=", ".join(settings.keys) or None,
        watermark_column=settings.position,
        watermark_type=mark.type if mark else None,
        watermark=str(mark.value) if mark else None,
        message="\n".join(filter(None, (str(error) if error else deleted, *notes))) or None,
        load_id=receipt.load_id if receipt else None,
    )
