"""A server that speaks TDS 7.4 and keeps its tables in DuckDB: it proves our side of the wire."""
