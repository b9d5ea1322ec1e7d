"""Foreign keys are checked after each statement, as keys are."""

from __future__ import annotations

from tests.servers.tds.catalog import Catalog, Table, quoted
from tests.servers.tds.errors import SqlError

_FOUND = """select f.name, s.name, p.name, t.name, r.name,
    list(c.name order by x.constraint_column_id), list(d.name order by x.constraint_column_id)
    from {sys}.foreign_keys f
    join {sys}.foreign_key_columns x on x.constraint_object_id = f.object_id
    join {sys}.objects p on p.object_id = f.parent_object_id
    join {sys}.schemas s on s.schema_id = p.schema_id
    join {sys}.objects r on r.object_id = f.referenced_object_id
    join {sys}.schemas t on t.schema_id = r.schema_id
    join {sys}.columns c on c.object_id = x.parent_object_id and c.column_id = x.parent_column_id
    join {sys}.columns d on d.object_id = x.referenced_object_id
        and d.column_id = x.referenced_column_id
    where {where} group by all"""


def check(catalog: Catalog, table: Table, statement: str) -> None:
    """Rows of this table refer to rows that are there, and others to rows of this one."""
    if not table.refers:
        return
    where = f"{table.number} in (f.parent_object_id, f.referenced_object_id)"
    for name, schema, parent, other_schema, other, mine, theirs in catalog.rows(
        _FOUND.replace("{where}", where)
    ):
        place = quoted(catalog.database, schema, parent)
        same = " and ".join(
            f"r.{quoted(theirs[n])} = p.{quoted(mine[n])}" for n in range(len(mine))
        )
        known = " and ".join(f"p.{quoted(column)} is not null" for column in mine)
        lost = catalog.con.execute(
            f"select 1 from {place} p where {known} and not exists"
            f" (from {quoted(catalog.database, other_schema, other)} r where {same}) limit 1"
        ).fetchone()
        if lost is not None:
            word = "FOREIGN KEY" if parent == table.name else "REFERENCE"
            told = f'The {statement} statement conflicted with the {word} constraint "{name}".'
            where = f'The conflict occurred in database "{catalog.database}", '
            raise SqlError(547, f'{told} {where}table "{other_schema}.{other}".')
