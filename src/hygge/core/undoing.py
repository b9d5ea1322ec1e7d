"""Which load can be taken back: the last one, if it added rows to what another had left."""

from __future__ import annotations

from collections.abc import Iterable

from hygge.core.errors import ANEW, LoadLost, Unsupported
from hygge.core.store import Mode, Receipt

_ANEW = f"load everything anew: {ANEW}"


def last_and_before(published: Iterable[Receipt], load_id: str) -> tuple[Receipt, Receipt]:
    """The receipt of this load, and that of the load it built on; `published` is newest first.

    Loads that were taken back count as if they had not been. Raises LoadLost if another load came
    since, Unsupported if what was there before is gone.
    """
    gone, standing = set[str](), list[Receipt]()
    for receipt in published:
        if receipt.undoes is not None:
            gone.add(receipt.undoes)
        elif receipt.load_id not in gone:
            standing.append(receipt)
        if len(standing) == 2:
            break
    if load_id in gone:
        raise LoadLost("this load was taken back before", load_id=load_id)
    if not standing or standing[0].load_id != load_id:
        raise LoadLost("another load came since: only the last can be taken back", load_id=load_id)
    if standing[0].mode is not Mode.APPEND:
        word = {Mode.MERGE: "changed rows", Mode.REPLACE: "replaced the table"}
        told = word[standing[0].mode or Mode.REPLACE]
        raise Unsupported(
            f"this load {told}: what was there before is gone", load_id=load_id, hint=_ANEW
        )
    if len(standing) < 2:
        raise Unsupported("this load began the table", load_id=load_id, hint=_ANEW)
    return standing[0], standing[1]
