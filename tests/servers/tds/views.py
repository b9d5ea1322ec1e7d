"""sys.… and INFORMATION_SCHEMA.…, as queries over what is known of tables.

`{sys}` stands for where the catalog is, `{db}` for the database's name; `{databases}`,
`{sessions}`, `{waiting}` and `{transactions}` for rows that the server puts in when it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.servers.tds import facts
from tests.servers.tds.kinds import Kind

_OBJECT = """
name nvarchar(128) = o.name
object_id int = o.object_id
schema_id int = o.schema_id
parent_object_id int = o.parent_object_id
type char(2) = o.type
type_desc nvarchar(60) = case o.type when 'U' then 'USER_TABLE' when 'V' then 'VIEW' when 'PK' \
then 'PRIMARY_KEY_CONSTRAINT' when 'UQ' then 'UNIQUE_CONSTRAINT' when 'F' then \
'FOREIGN_KEY_CONSTRAINT' when 'C' then 'CHECK_CONSTRAINT' when 'D' then \
'DEFAULT_CONSTRAINT' when 'TR' then 'SQL_TRIGGER' end
create_date datetime = o.create_date
modify_date datetime = o.create_date
is_ms_shipped bit = false
"""
_TABLE = (
    _OBJECT
    + """
temporal_type tinyint = 0
temporal_type_desc nvarchar(60) = 'NON_TEMPORAL_TABLE'
is_memory_optimized bit = false
is_external bit = false
is_node bit = false
is_edge bit = false
is_replicated bit = false
is_tracked_by_cdc bit = false
is_filetable bit = false
is_published bit = false
is_schema_published bit = false
is_merge_published bit = false
has_replication_filter bit = false
text_in_row_limit int = 0
large_value_types_out_of_row bit = false
lock_escalation tinyint = 0
lob_data_space_id int = 0
"""
)
_OBJECTS = "{sys}.objects o join {sys}.schemas s using (schema_id) where s.name[1] <> '#'"
_SIZES = """(select x.object_id, x.index_id, x.type, t.estimated_size as n from {sys}.indexes x
    join {sys}.objects o using (object_id) join {sys}.schemas s using (schema_id)
    left join duckdb_tables() t on t.database_name = {db} and t.schema_name = s.name
    and t.table_name = o.name) z"""
_COLUMN_KIND = """(select name as type_name, user_type_id from (values {types})
    v(name, system_type_id, user_type_id, max_length, precision, scale)) y using (user_type_id)"""

_TEXTS: Final = {
    "sys.schemas": (
        "name nvarchar(128) = s.name\nschema_id int = s.schema_id\nprincipal_id int = 1",
        "{sys}.schemas s where s.name[1] <> '#'",
    ),
    "sys.objects": (_OBJECT, _OBJECTS),
    "sys.all_objects": (_OBJECT, _OBJECTS),
    "sys.tables": (_TABLE, _OBJECTS + " and o.type = 'U'"),
    "sys.views": (_OBJECT, _OBJECTS + " and o.type = 'V'"),
    "sys.sql_modules": (
        "object_id int = o.object_id\ndefinition nvarchar(max) = o.definition",
        _OBJECTS + " and o.definition is not null",
    ),
    "sys.triggers": (
        _OBJECT
        + "parent_class tinyint = 1\nparent_id int = o.parent_object_id\nis_disabled bit = false\n"
        "is_instead_of_trigger bit = contains(lower(o.definition), 'instead of')",
        _OBJECTS + " and o.type = 'TR'",
    ),
    "sys.columns": (
        """
object_id int = c.object_id
name nvarchar(128) = c.name
column_id int = c.column_id
system_type_id tinyint = c.system_type_id
user_type_id int = c.user_type_id
max_length smallint = c.max_length
precision tinyint = c.precision
scale tinyint = c.scale
collation_name nvarchar(128) = c.collation_name
is_nullable bit = c.is_nullable
is_ansi_padded bit = true
is_rowguidcol bit = false
is_identity bit = c.identity_seed is not null
is_computed bit = c.computed is not null
is_sparse bit = false
is_column_set bit = false
is_hidden bit = false
is_filestream bit = false
rule_object_id int = 0
xml_collection_id int = 0
is_masked bit = false
generated_always_type tinyint = 0
graph_type int = cast(null as integer)
encryption_type int = cast(null as integer)
default_object_id int = case when c.default_text is null then 0 else 1 end
""",
        "{sys}.columns c",
    ),
    "sys.identity_columns": (
        """
object_id int = c.object_id
name nvarchar(128) = c.name
column_id int = c.column_id
seed_value bigint = c.identity_seed
increment_value bigint = c.identity_step
""",
        "{sys}.columns c where c.identity_seed is not null",
    ),
    "sys.computed_columns": (
        "object_id int = c.object_id\nname nvarchar(128) = c.name\ncolumn_id int = c.column_id\n"
        "definition nvarchar(max) = c.computed\nis_persisted bit = true",
        "{sys}.columns c where c.computed is not null",
    ),
    "sys.default_constraints": (
        """
name nvarchar(128) = c.default_name
object_id int = c.object_id + 1
parent_object_id int = c.object_id
parent_column_id int = c.column_id
definition nvarchar(max) = '(' || c.default_text || ')'
type char(2) = 'D'
""",
        "{sys}.columns c where c.default_text is not null",
    ),
    "sys.types": (
        """
name nvarchar(128) = v.name
system_type_id tinyint = v.system_type_id
user_type_id int = v.user_type_id
schema_id int = 4
max_length smallint = v.max_length
precision tinyint = v.precision
scale tinyint = v.scale
is_nullable bit = true
is_user_defined bit = false
is_assembly_type bit = v.system_type_id = 240
is_table_type bit = false
""",
        "(values {types}) v(name, system_type_id, user_type_id, max_length, precision, scale)",
    ),
    "sys.indexes": (
        """
object_id int = i.object_id
name nvarchar(128) = i.name
index_id int = i.index_id
type tinyint = i.type
type_desc nvarchar(60) = case i.type when 0 then 'HEAP' when 1 then 'CLUSTERED' when 2 then \
'NONCLUSTERED' when 5 then 'CLUSTERED COLUMNSTORE' else 'NONCLUSTERED COLUMNSTORE' end
is_unique bit = i.is_unique
data_space_id int = 1
ignore_dup_key bit = false
is_primary_key bit = i.is_primary_key
is_unique_constraint bit = i.is_unique_constraint
is_disabled bit = false
is_hypothetical bit = false
has_filter bit = false
filter_definition nvarchar(max) = cast(null as varchar)
""",
        "{sys}.indexes i",
    ),
    "sys.index_columns": (
        """
object_id int = x.object_id
index_id int = x.index_id
index_column_id int = x.index_column_id
column_id int = x.column_id
key_ordinal tinyint = x.key_ordinal
partition_ordinal tinyint = 0
is_descending_key bit = x.is_descending
is_included_column bit = x.is_included
""",
        "{sys}.index_columns x",
    ),
    "sys.key_constraints": (
        _OBJECT + "unique_index_id int = i.index_id\nis_system_named bit = false",
        "{sys}.objects o join {sys}.indexes i on i.object_id = o.parent_object_id"
        " and i.name = o.name where o.type in ('PK', 'UQ')",
    ),
    "sys.check_constraints": (
        _OBJECT + "definition nvarchar(max) = o.definition\nis_disabled bit = false",
        _OBJECTS + " and o.type = 'C'",
    ),
    "sys.sql_expression_dependencies": (
        "referencing_id int = d.referencing_id\nreferenced_id int = d.referenced_id\n"
        "is_schema_bound_reference bit = true",
        "{sys}.dependencies d",
    ),
    "sys.filegroups": (
        "name nvarchar(128) = 'PRIMARY'\ndata_space_id int = 1\ntype char(2) = 'FG'\n"
        "is_default bit = true\nis_read_only bit = false",
        "(select 1)",
    ),
    "sys.security_predicates": (
        "object_id int = 0\ntarget_object_id int = 0",
        "(select 1) where false",
    ),
    "sys.fulltext_indexes": ("object_id int = 0", "(select 1) where false"),
    "sys.foreign_keys": (
        _OBJECT + "referenced_object_id int = f.referenced_object_id\nis_disabled bit = false\n"
        "is_not_trusted bit = false",
        "{sys}.objects o join {sys}.foreign_keys f using (object_id)",
    ),
    "sys.foreign_key_columns": (
        """
constraint_object_id int = f.constraint_object_id
constraint_column_id int = f.constraint_column_id
parent_object_id int = f.parent_object_id
parent_column_id int = f.parent_column_id
referenced_object_id int = f.referenced_object_id
referenced_column_id int = f.referenced_column_id
""",
        "{sys}.foreign_key_columns f",
    ),
    "sys.partitions": (
        """
partition_id bigint = cast(z.object_id as bigint) * 1000 + z.index_id
object_id int = z.object_id
index_id int = z.index_id
partition_number int = 1
hobt_id bigint = cast(z.object_id as bigint) * 1000 + z.index_id
rows bigint = coalesce(z.n, 0)
data_compression tinyint = case z.type when 5 then 3 when 6 then 3 else 0 end
""",
        _SIZES,
    ),
    "sys.allocation_units": (
        """
allocation_unit_id bigint = cast(z.object_id as bigint) * 1000 + z.index_id
type tinyint = 1
type_desc nvarchar(60) = 'IN_ROW_DATA'
container_id bigint = cast(z.object_id as bigint) * 1000 + z.index_id
data_space_id int = 1
total_pages bigint = coalesce(z.n, 0) // 100 + 1
used_pages bigint = coalesce(z.n, 0) // 100 + 1
data_pages bigint = coalesce(z.n, 0) // 100 + 1
""",
        _SIZES,
    ),
    "sys.dm_db_partition_stats": (
        """
partition_id bigint = cast(z.object_id as bigint) * 1000 + z.index_id
object_id int = z.object_id
index_id int = z.index_id
partition_number int = 1
in_row_data_page_count bigint = coalesce(z.n, 0) // 100 + 1
used_page_count bigint = coalesce(z.n, 0) // 100 + 1
reserved_page_count bigint = coalesce(z.n, 0) // 100 + 1
row_count bigint = coalesce(z.n, 0)
""",
        _SIZES,
    ),
    "sys.change_tracking_tables": (
        "object_id int = t.object_id\nis_track_columns_updated_on bit = false\n"
        "min_valid_version bigint = t.min_version\nbegin_version bigint = t.min_version",
        "{sys}.tracked t",
    ),
}


@dataclass(frozen=True)
class View:
    """A query of DuckDB's, and the kinds of its columns."""

    query: str
    columns: tuple[tuple[str, Kind], ...]


def view(columns: str, source: str) -> View:
    """From lines of `name kind = expression`."""
    found, shown = [], []
    for line in filter(None, map(str.strip, columns.splitlines())):
        head, _, expression = line.partition(" = ")
        name, kind = head.split(" ")
        found.append((name, Kind.of(kind)))
        stored = found[-1][1].stored
        shown.append(f'cast({expression} as {stored}) as "{name}"')
    return View(f"select {', '.join(shown)} from {source}", tuple(found))


@cache
def views() -> dict[str, View]:
    """All of them, by name in small letters."""
    from tests.servers.tds import server_views

    texts = _TEXTS | server_views.texts(_COLUMN_KIND)
    made = {}
    for name, (columns, source) in texts.items():
        made[name.lower()] = view(columns, source.replace("{types}", facts.rows()))
    made["sys.all_columns"] = made["sys.columns"]
    made["sys.all_views"] = made["sys.views"]
    return made
