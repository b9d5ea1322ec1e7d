"""What a query would give, or wants to be given, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp
from tests.servers.tds import facts, parsing
from tests.servers.tds.batches import Leaf, statements
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import COLLATION, TEXTS, Kind, kind_of
from tests.servers.tds.queries import Queries
from tests.servers.tds.words import Cursor, parted, words

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_NAME, _INT, _BIT, _SMALL, _TINY = (
    Kind("nvarchar", 128),
    Kind("int"),
    Kind("bit"),
    Kind("smallint"),
    Kind("tinyint"),
)
COLUMNS: Final = (
    *(("is_hidden", _BIT), ("column_ordinal", _INT), ("name", _NAME), ("is_nullable", _BIT)),
    *(("system_type_id", _INT), ("system_type_name", Kind("nvarchar", 256))),
    *(("max_length", _SMALL), ("precision", _TINY), ("scale", _TINY), ("collation_name", _NAME)),
    *(("user_type_id", _INT), ("is_identity_column", _BIT), ("is_updateable", _BIT)),
    *(("is_computed_column", _BIT), ("tds_type_id", _INT), ("tds_length", _INT)),
)
PARAMETERS: Final = (
    *(("parameter_ordinal", _INT), ("name", _NAME), ("suggested_system_type_id", _INT)),
    *(("suggested_system_type_name", _NAME), ("suggested_max_length", _SMALL)),
    *(("suggested_precision", _TINY), ("suggested_scale", _TINY)),
    *(("suggested_user_type_id", _INT), ("suggested_user_type_database", _NAME)),
    *(("suggested_user_type_schema", _NAME), ("suggested_user_type_name", _NAME)),
    *(("suggested_assembly_qualified_type_name", _NAME), ("suggested_xml_collection_id", _INT)),
    *(("suggested_xml_collection_database", _NAME), ("suggested_xml_collection_schema", _NAME)),
    *(("suggested_xml_collection_name", _NAME), ("suggested_is_xml_document", _BIT)),
    *(("suggested_is_case_sensitive", _BIT), ("suggested_is_fixed_length_clr_type", _BIT)),
    *(("suggested_is_input", _BIT), ("suggested_is_output", _BIT)),
    *(("formal_parameter_mode", _NAME), ("suggested_tds_type_id", _INT)),
    ("suggested_tds_length", _INT),
)
COLLATIONS: Final = (
    *(("colid", _INT), ("name", _NAME)),
    *(("tds_collation", Kind("binary", 5)), ("collation", _NAME)),
)


def shown(kind: Kind) -> str:
    """As sp_describe_first_result_set has it."""
    if kind.name in ("real", "float"):
        return kind.name
    return str(kind) if kind.name != "rowversion" else "timestamp"


def result_set(session: Session, sql: str, declared: str | None) -> list[tuple[Any, ...]]:
    """Of the first query in a batch. Raises SqlError if it cannot be."""
    variables = session.scene.variables
    session.scene.variables = dict(variables)
    for part in parted(words(declared or "")):
        name, text = part[0].low, Cursor(declared or "").text(part[1:])
        session.scene.variables[name] = (Kind.of(text), None)
    try:
        first = next(
            (s for s in statements(sql) if isinstance(s, Leaf) and s.first in ("select", "with")),
            None,
        )
        return _described(session, first.text) if first is not None else []
    finally:
        session.scene.variables = variables


def _described(session: Session, sql: str) -> list[tuple[Any, ...]]:
    session.transactions.read(session.database)
    queries, tree = Queries(session.scene), parsing.parsed(sql)
    outputs = queries.query(tree)
    nullable = _not_null_columns(session, tree)
    none = f"select * from ({tree.sql('duckdb', copy=False)}) limit 0"
    found = session.con.execute(none, queries.bound(none)).description
    made = []
    for n, ((name, kind), row) in enumerate(zip(outputs, found, strict=True), 1):
        known = kind or kind_of(str(row[1]))
        number, user, width, precision, scale = facts.facts(known)
        collation = "SQL_Latin1_General_CP1_CI_AS" if known.name in TEXTS else None
        may = name.lower() not in nullable
        values = (False, n, name or None, may, number, shown(known), width, precision, scale)
        made.append((*values, collation, user, False, True, False, known.info[0], width))
    session.transactions.done()
    return made


def _not_null_columns(session: Session, tree: Any) -> set[str]:
    """The names of columns that come from one table, where they cannot be NULL."""
    found = list(tree.find_all(exp.Table)) if not tree.args.get("joins") else []
    if len(found) != 1 or not isinstance(found[0].this, exp.Identifier):
        return set()
    table = session.scene.table([found[0].catalog, found[0].db, found[0].name])
    if table is None:
        return set()
    return {c.name.lower() for c in table.columns if not c.nullable}


def parameters(session: Session, sql: str) -> list[tuple[Any, ...]]:
    """What kinds a statement's parameters would best be of: those of the columns they go to."""
    session.transactions.read(session.database)
    tree = parsing.parsed(sql)
    meant = _insert_kinds(session, tree)
    names = list(dict.fromkeys(w.low for w in words(sql) if w.low.startswith("@")))
    made = []
    for n, name in enumerate((x for x in names if not x.startswith("@@")), 1):
        kind = meant.get(name, Kind("nvarchar", 4000))
        number, user, width, precision, scale = facts.facts(kind)
        row: list[Any] = [n, name, number, str(kind), width, precision, scale, user]
        row += [None] * 8 + [False, False, False, True, False, None, kind.info[0], width]
        made.append(tuple(row))
    session.transactions.done()
    return made


def _insert_kinds(session: Session, tree: Any) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    if isinstance(tree, exp.Insert) and isinstance(tree.expression, exp.Values):
        target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        table = session.scene.table(parsing.path_of(target))
        if table is None:
            raise SqlError(208, f"Invalid object name '{target.name}'.")
        named = tree.this.expressions if isinstance(tree.this, exp.Schema) else ()
        names = [n.name for n in named] or [c.name for c in table.columns]
        for row in tree.expression.expressions:
            for name, cell in zip(names, row.expressions, strict=False):
                column = table.column(name)
                if isinstance(cell, exp.Parameter) and column is not None:
                    found[f"@{cell.name.lower()}"] = column.kind
    return found


def collations(session: Session, name: str) -> list[tuple[Any, ...]]:
    """Of a table's columns, as clients ask for before they load."""
    path = parsing.named(name)
    session.transactions.read(session.database)
    table = session.scene.table(path)
    session.transactions.done()
    if table is None:
        return []
    return [
        (c.number, c.name, COLLATION, "SQL_Latin1_General_CP1_CI_AS")
        if c.kind.name in TEXTS
        else (c.number, c.name, None, None)
        for c in table.columns
    ]
