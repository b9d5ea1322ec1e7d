"""INFORMATION_SCHEMA, and those of the sys views that tell of the server itself."""

from __future__ import annotations

from typing import Final

_TABLES = "{sys}.objects o join {sys}.schemas s using (schema_id)"
_SEEN = " and s.name[1] <> '#'"
_LENGTHS = "case when c.system_type_id in (231, 239) and c.max_length > 0 then c.max_length // 2"
_KEYS = (
    "{sys}.objects k join {sys}.objects o on o.object_id = k.parent_object_id"
    " join {sys}.schemas s on s.schema_id = o.schema_id"
)
_TRANSACTIONS = "(values {transactions}) t(id, session, db, since, touched, written)"

_TEXTS: Final = {
    "information_schema.tables": (
        """
TABLE_CATALOG nvarchar(128) = {db}
TABLE_SCHEMA nvarchar(128) = s.name
TABLE_NAME nvarchar(128) = o.name
TABLE_TYPE varchar(10) = case o.type when 'U' then 'BASE TABLE' else 'VIEW' end
""",
        _TABLES + " where o.type in ('U', 'V')" + _SEEN,
    ),
    "information_schema.schemata": (
        """
CATALOG_NAME nvarchar(128) = {db}
SCHEMA_NAME nvarchar(128) = s.name
SCHEMA_OWNER nvarchar(128) = 'dbo'
""",
        "{sys}.schemas s where s.name[1] <> '#'",
    ),
    "information_schema.columns": (
        f"""
TABLE_CATALOG nvarchar(128) = {{db}}
TABLE_SCHEMA nvarchar(128) = s.name
TABLE_NAME nvarchar(128) = o.name
COLUMN_NAME nvarchar(128) = c.name
ORDINAL_POSITION int = c.column_id
COLUMN_DEFAULT nvarchar(4000) = '(' || c.default_text || ')'
IS_NULLABLE varchar(3) = case when c.is_nullable then 'YES' else 'NO' end
DATA_TYPE nvarchar(128) = y.type_name
CHARACTER_MAXIMUM_LENGTH int = {_LENGTHS} \
when c.system_type_id in (165, 167, 173, 175, 231, 239) then c.max_length end
CHARACTER_OCTET_LENGTH int = case when c.system_type_id in (165, 167, 173, 175, 231, 239) \
then c.max_length end
NUMERIC_PRECISION tinyint = case when c.system_type_id in (48, 52, 56, 127, 106, 60, 122, 59, 62) \
then c.precision end
NUMERIC_SCALE int = case when c.system_type_id in (48, 52, 56, 127, 106, 60, 122) then c.scale end
DATETIME_PRECISION smallint = case when c.system_type_id in (40, 41, 42, 43, 58, 61) \
then c.scale end
CHARACTER_SET_NAME nvarchar(128) = case when c.collation_name is not null then \
case when c.system_type_id in (231, 239) then 'UNICODE' else 'iso_1' end end
COLLATION_NAME nvarchar(128) = c.collation_name
""",
        "{sys}.columns c join {sys}.objects o using (object_id)"
        " join {sys}.schemas s using (schema_id) join {kinds} where o.type in ('U', 'V')" + _SEEN,
    ),
    "information_schema.table_constraints": (
        """
CONSTRAINT_CATALOG nvarchar(128) = {db}
CONSTRAINT_SCHEMA nvarchar(128) = s.name
CONSTRAINT_NAME nvarchar(128) = k.name
TABLE_CATALOG nvarchar(128) = {db}
TABLE_SCHEMA nvarchar(128) = s.name
TABLE_NAME nvarchar(128) = o.name
CONSTRAINT_TYPE varchar(11) = case k.type when 'PK' then 'PRIMARY KEY' when 'UQ' then 'UNIQUE' \
else 'FOREIGN KEY' end
""",
        _KEYS + " where k.type in ('PK', 'UQ', 'F')",
    ),
    "information_schema.key_column_usage": (
        """
CONSTRAINT_CATALOG nvarchar(128) = {db}
CONSTRAINT_SCHEMA nvarchar(128) = s.name
CONSTRAINT_NAME nvarchar(128) = k.name
TABLE_CATALOG nvarchar(128) = {db}
TABLE_SCHEMA nvarchar(128) = s.name
TABLE_NAME nvarchar(128) = o.name
COLUMN_NAME nvarchar(128) = c.name
ORDINAL_POSITION int = x.key_ordinal
""",
        _KEYS + " join {sys}.indexes i on i.object_id = o.object_id and i.name = k.name"
        " join {sys}.index_columns x on x.object_id = i.object_id and x.index_id = i.index_id"
        " join {sys}.columns c on c.object_id = x.object_id and c.column_id = x.column_id"
        " where k.type in ('PK', 'UQ')",
    ),
    "sys.databases": (
        """
name nvarchar(128) = d.name
database_id int = d.id
create_date datetime = d.created
compatibility_level tinyint = 160
collation_name nvarchar(128) = 'SQL_Latin1_General_CP1_CI_AS'
state tinyint = 0
state_desc nvarchar(60) = 'ONLINE'
is_read_only bit = false
snapshot_isolation_state tinyint = d.snapshot
snapshot_isolation_state_desc nvarchar(60) = case d.snapshot when 1 then 'ON' else 'OFF' end
is_read_committed_snapshot_on bit = d.rcsi
recovery_model tinyint = 3
recovery_model_desc nvarchar(60) = 'SIMPLE'
containment tinyint = 0
is_cdc_enabled bit = false
service_broker_guid uniqueidentifier = d.fork
""",
        "(values {databases}) d(name, id, created, snapshot, rcsi, fork, tracked)",
    ),
    "sys.database_recovery_status": (
        """
database_id int = d.id
database_guid uniqueidentifier = d.fork
family_guid uniqueidentifier = d.fork
recovery_fork_guid uniqueidentifier = d.fork
""",
        "(values {databases}) d(name, id, created, snapshot, rcsi, fork, tracked)",
    ),
    "sys.change_tracking_databases": (
        """
database_id int = d.id
is_auto_cleanup_on bit = true
retention_period int = 2
retention_period_units tinyint = 3
max_cleanup_version bigint = 0
""",
        "(values {databases}) d(name, id, created, snapshot, rcsi, fork, tracked) where d.tracked",
    ),
    "sys.dm_exec_sessions": (
        """
session_id smallint = e.id
login_time datetime = e.since
host_name nvarchar(128) = e.host
program_name nvarchar(128) = e.program
login_name nvarchar(128) = e.login
original_login_name nvarchar(128) = e.login
status nvarchar(30) = 'running'
database_id smallint = e.db
is_user_process bit = true
open_transaction_count int = e.depth
transaction_isolation_level smallint = 2
last_request_start_time datetime = e.since
""",
        "(values {sessions}) e(id, since, host, program, login, db, depth, tls)",
    ),
    "sys.dm_exec_connections": (
        """
session_id int = e.id
connect_time datetime = e.since
net_transport nvarchar(40) = 'TCP'
protocol_type nvarchar(40) = 'TSQL'
encrypt_option nvarchar(40) = case when e.tls then 'TRUE' else 'FALSE' end
auth_scheme nvarchar(40) = 'SQL'
client_net_address varchar(48) = '127.0.0.1'
""",
        "(values {sessions}) e(id, since, host, program, login, db, depth, tls)",
    ),
    "sys.dm_os_waiting_tasks": (
        """
session_id smallint = w.id
wait_type nvarchar(60) = 'LCK_M_X'
resource_description nvarchar(3072) = w.what
""",
        "(values {waiting}) w(id, what) where w.id is not null",
    ),
    "sys.dm_tran_active_transactions": (
        """
transaction_id bigint = t.id
name nvarchar(32) = 'user_transaction'
transaction_begin_time datetime = t.since
transaction_type int = 1
transaction_state int = 2
""",
        _TRANSACTIONS + " where t.id is not null",
    ),
    "sys.dm_tran_database_transactions": (
        """
transaction_id bigint = t.id
database_id int = t.db
database_transaction_begin_time datetime = case when t.written then t.since end
database_transaction_type int = 1
database_transaction_state int = 4
database_transaction_log_record_count bigint = cast(t.written as integer)
""",
        _TRANSACTIONS + " where t.touched",
    ),
    "sys.dm_tran_session_transactions": (
        """
session_id int = t.session
transaction_id bigint = t.id
is_user_transaction bit = true
open_transaction_count int = 1
""",
        _TRANSACTIONS + " where t.id is not null",
    ),
}


def texts(kinds: str) -> dict[str, tuple[str, str]]:
    """Columns and source of each; `kinds` gives a column's type its name."""
    return {
        name: (cols, source.replace("{kinds}", kinds)) for name, (cols, source) in _TEXTS.items()
    }
