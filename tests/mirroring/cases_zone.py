"""Landing zones that keep or break the rules of folders, metadata, names and the whole."""

from __future__ import annotations

import json
from typing import Any

from tests.mirroring.landing import Case, Landing, people

from hygge.mirroring.identity import IDENTITY
from hygge.mirroring.names import METADATA, PARTNER, file_name
from hygge.mirroring.rules.rule import Severity
from hygge.mirroring.rules.views import Limits
from hygge.mirroring.state import TableState, ZoneState

E, W, S = Severity.ERROR, Severity.WARNING, Severity.STRICT
LAST_UPDATE = {"fileDetectionStrategy": "LastUpdateTimeFileDetection"}


def well(z: Landing) -> None:
    """A seed and changes."""
    z.table()
    z.data(1, people(1, 2, 3))
    z.data(2, people(2, 4, marker=[1, 4]))


def schemas(z: Landing) -> None:
    for name in ("sales.schema/Orders", "hr.schema/Orders", "Orders"):
        z.table(name)
        z.data(1, people(1), name)


def beside(path: str) -> Any:
    def build(z: Landing) -> None:
        schemas(z)
        z.put(path, b"x")

    return build


def given(**more: Any) -> Any:
    """A table with such metadata."""

    def build(z: Landing) -> None:
        z.table(**more)
        z.data(1, people(1))

    return build


def metadata(data: bytes) -> Any:
    def build(z: Landing) -> None:
        z.put(f"T/{METADATA}", data)
        z.data(1, people(1))

    return build


def numbers(*found: int, **more: Any) -> Any:
    def build(z: Landing) -> None:
        z.table(**more)
        for number in found:
            z.data(number, people(number))

    return build


def took(*done: int | str, then: Any = well, **more: Any) -> Any:
    """A landing zone of which the service has taken these files."""

    def build(z: Landing) -> None:
        then(z)
        z.took(*done, **more)

    return build


def many(z: Landing) -> None:
    for name in ("A", "B", "C"):
        z.table(name)
        z.data(1, people(1), name)


def with_another(name: str) -> Any:
    def build(z: Landing) -> None:
        many(z)
        z.table(name)

    return build


def old(path: str) -> Any:
    def build(z: Landing) -> None:
        well(z)
        z.put(path, b"half")
        z.age(path, 30)

    return build


def long_settled(z: Landing) -> None:
    """What lies in a table's folder for as long as there is one."""
    well(z)
    z.put(f"T/{IDENTITY}", {"identity": "folder:one", "since": "2026-01-01T00:00:00+00:00"})
    z.put("T/_schema.json", {})
    for name in (IDENTITY, "_schema.json", METADATA):
        z.age(f"T/{name}", 3000)


def delimited(**more: Any) -> Any:
    def build(z: Landing) -> None:
        z.table(**more)
        ending = str(more.get("FileExtension", "csv"))
        z.put(f"T/{file_name(1, ending)}", "id,name\n1,a\n")

    return build


def layout(**more: Any) -> Any:
    return delimited(FileFormatTypeProperties=more)


def columns(kind: str) -> Any:
    return delimited(SchemaDefinition={"Columns": [
        {"Name": "id", "DataType": kind, "IsNullable": False},
        {"Name": "name", "DataType": "String"},
    ]})  # fmt: skip


def column(**given: Any) -> Any:
    return delimited(SchemaDefinition={"Columns": [given]})


def with_hidden_metadata(z: Landing) -> None:
    well(z)
    z.put(f"T/_Temp/{METADATA}", {})


def without_partner(z: Landing) -> None:
    well(z)
    (z.path / PARTNER).unlink()


def partner(told: Any) -> Any:
    def build(z: Landing) -> None:
        well(z)
        z.put(PARTNER, told if isinstance(told, bytes) else json.dumps(told))

    return build


def partner_within(folder: str) -> Any:
    def build(z: Landing) -> None:
        well(z)
        z.put(f"{folder}/{PARTNER}", {"partnerName": "us", "sourceInfo": {"sourceType": "SQL"}})

    return build


def called(name: str, **more: Any) -> Any:
    def build(z: Landing) -> None:
        z.table(**more)
        z.data(1, people(1))
        z.data(name, people(2))

    return build


def aside(z: Landing) -> None:
    """1 was taken and moved; 2 is the one that the service leaves; 3 waits."""
    z.table()
    z.data(f"_ProcessedFiles/{file_name(1)}", people(1))
    z.data(2, people(2))
    z.data(3, people(3))


def again(z: Landing) -> None:
    aside(z)
    z.data(1, people(1))


def two_formats_of_one_number(z: Landing) -> None:
    well(z)
    z.csv(2, "id,name\n9,z\n")


def rewritten(z: Landing) -> None:
    well(z)
    z.took(1, 2)
    z.data(2, people(7))


def by_time(*names: str, **more: Any) -> Any:
    def build(z: Landing) -> None:
        z.table(**{"keys": (), **LAST_UPDATE, **more})
        for at, name in enumerate(names):
            z.data(name, people(at))
        z.took()

    return build


def at_once(z: Landing) -> None:
    by_time("b.parquet", "a.parquet")(z)
    z.age("T/a.parquet", 1)
    z.age("T/b.parquet", 1)


def by_time_again(z: Landing) -> None:
    by_time("a.parquet", "b.parquet")(z)
    z.took("a.parquet")
    z.data("a.parquet", people(8))


def by_time_with_keys(z: Landing) -> None:
    z.table(**LAST_UPDATE)
    z.data("a.parquet", people(1))
    z.data("b.parquet", people(1, marker=[1]))
    z.took()


def by_time_and_aside(z: Landing) -> None:
    """A name that lies among those that were taken can be seen without a state."""
    z.table(keys=(), **LAST_UPDATE)
    z.data("_ProcessedFiles/a.parquet", people(1))
    z.data("a.parquet", people(2))


def another_format_now(z: Landing) -> None:
    z.table()
    z.put(f"T/_ProcessedFiles/{file_name(1, 'csv')}", "id,name\n1,a\n")
    z.data(2, people(2))


def claimed(*digests: str) -> Any:
    """Two writers' journals, which say this of file 2."""

    def build(z: Landing) -> dict[str, Any]:
        well(z)
        told = [TableState("", processed={file_name(2): digest}) for digest in digests]
        return {"journals": [ZoneState({"T": table}) for table in told]}

    return build


def under_way(*names: str) -> Any:
    def build(z: Landing) -> dict[str, Any]:
        journals = claimed("aa", "aa")(z)
        for name in names:
            z.put(f"T/{name}", b"half")
        assert isinstance(journals, dict)
        return journals

    return build


def waiting(hours: float) -> Any:
    def build(z: Landing) -> None:
        well(z)
        z.took(1)
        z.age(f"T/{file_name(2)}", hours)

    return build


def reborn(*found: int, marker: int | None = None) -> Any:
    def build(z: Landing) -> None:
        z.table()
        for number in found:
            z.data(number, people(number, marker=None if marker is None else [marker]))
        z.took(*range(1, 10), identity="folder:another")

    return build


def sized(count: int) -> Any:
    return numbers(*range(1, count + 1))


CASES = [
    Case("R01", beside("_note.txt")),
    Case("R01", beside("note.txt"), E, "in the root"),
    Case("R02", schemas),
    Case("R02", lambda z: z.table("sales.Schema"), E, "exactly .schema"),
    Case("R02", lambda z: z.table(".schema/Orders"), E, "without the schema's name"),
    Case("R02", with_hidden_metadata),
    Case("R02", lambda z: z.table("a.schema/b.schema"), E, "within another"),
    Case("R02", lambda z: z.table("a.schema/b.Schema"), E, "within another"),
    Case("R02", lambda z: z.table("a.schema/b/Orders"), E, "holds tables"),
    Case("R02", lambda z: z.table("sales/Orders"), E, "holds tables"),
    Case("R03", schemas),
    Case("R03", beside("orders.parquet"), W, "never read"),
    Case("R03", beside(f"sales.schema/{file_name(1)}"), W, "never read"),
    Case("R04", beside("Orders/_later/x.parquet")),
    Case("R04", beside("Orders/year=2024/x.parquet"), W, "not documented"),
    Case("R05", schemas),
    Case("R05", with_another("dbo.schema/A"), E, "the same table as A"),
    Case("R05", with_another("a"), E, "the same table as A"),
    Case("R06", many, ask={"limits": Limits(tables=3)}),
    Case("R06", many, E, "3 tables", ask={"limits": Limits(tables=2)}),
    Case("R07", well),
    Case("R07", old("T/_hygge/loads/1")),
    Case("R07", long_settled),
    Case("R07", old("T/_half.parquet"), W, "30 hours"),
    Case("R07", old("_scratchPad/half.parquet"), W, "30 hours"),
    Case("R08", well),
    Case("R08", lambda z: z.data(1, people(1)), E, "it is missing"),
    Case("R08", lambda z: (z.path / "T").mkdir(), E, "it is missing"),
    Case("R09", well),
    Case("R09", metadata(b'{"keyColumns": [id]}'), E, "not a JSON object"),
    Case("R09", metadata(b"\xff\xfe{}"), E, "not a JSON object"),
    Case("R09", metadata(b"[]"), E, "not a JSON object"),
    Case("R09", metadata(b'{"keyColumns": ["id"], "KeyColumns": ["name"]}'), E, "is there twice"),
    Case("R09", metadata(b'{"keyColumns": ["id"], "keyColumns": ["id"]}'), E, "is there twice"),
    Case("R09", metadata(b'{"keyColumns": ["id"], "x": NaN}'), E, "NaN is no JSON"),
    Case("R10", well),
    Case("R10", given(keyColumns="id"), E, "not a list"),
    Case("R10", given(keyColumns=None), E, "not a list"),
    Case("R10", given(keyColumns=["id", ""]), E, "empty name"),
    Case("R10", given(keyColumns=["id", "id"]), E, "twice"),
    Case("R12", took(1)),
    Case("R12", took(1, keys=())),
    Case("R12", took(1, then=given(keys=("name", "id")), keys=("id", "name"))),
    Case("R12", took(1, keys=("name",)), E, "were name, and are id"),
    Case("R13", well),
    Case("R13", given(fileDetectionStrategy="Sequential"), E, "is none"),
    Case("R14", given(isUpsertDefaultRowMarker=True)),
    Case("R14", given(isUpsertDefaultRowMarker="true"), E, "not true or false"),
    Case("R15", given(isUpsertDefaultRowMarker=True)),
    Case("R15", given(keys=(), isUpsertDefaultRowMarker=True), E, "without keyColumns"),
    Case("R16", given(keys="abcd")),
    Case("R16", given(keys="abcde"), W, "5 key columns"),
    Case("R17", layout(RowSeparator="\n", ColumnSeparator=";", FirstRowAsHeader=True)),
    Case("R17", delimited(FileFormat="DelimitedText", FileExtension="psv")),
    Case("R17", columns("Int32")),
    Case("R17", layout(FirstRowAsHeader="True", Encoding="utf-8")),
    Case("R17", layout(FirstRowAsHeader=1), E, "not true"),
    Case("R17", layout(Encoding="nonsense"), E, "Encoding 'nonsense' is none"),
    Case("R17", layout(Encoding=8), E, "Encoding 8 is none"),
    Case("R17", delimited(FileFormatTypeProperties="x"), E, "is no object"),
    Case("R17", delimited(SchemaDefinition=["x"]), E, "no list of Columns"),
    Case("R17", delimited(SchemaDefinition={"Columns": {"Name": "id"}}), E, "no list of Columns"),
    Case("R17", column(DataType="Int32"), E, "column 1 of SchemaDefinition has no Name"),
    Case("R17", column(Name="id", DataType="Int32", IsNullable="false"), E, "not true or false"),
    Case("R17", delimited(FileFormat="DelimitedText"), E, "without FileExtension"),
    Case("R17", delimited(FileFormat="Excel"), E, "is none"),
    Case("R17", layout(FirstRowAsHeader=False), E, "not true"),
    Case("R17", layout(RowSeparator="\n\n"), E, "RowSeparator"),
    Case("R17", layout(ColumnSeparator="~"), E, "ColumnSeparator"),
    Case("R17", layout(QuoteCharacter="|"), E, "QuoteCharacter"),
    Case("R17", layout(EscapeCharacter="^"), E, "EscapeCharacter"),
    Case("R17", columns("int"), E, "DataType 'int'"),
    Case("R18", well),
    Case("R18", given(isPartitionEnabled=True), W, "unknown property"),
    Case("R18", given(ConditionalUpdateColumn="x"), W, "unknown property"),
    Case("R19", took(1)),
    Case("R19", took(1, upserts=True), W, "was true, and is false"),
    Case("R19", took(1, delimited={"fileformat": "CSV"}), W, "FileFormat is another"),
    Case("R19", took(1, then=given(FileExtension="tsv"), delimited={}), W, "FileExtension is"),
    Case("R20", well),
    Case("R20", without_partner, W, "not there"),
    Case("R20", partner(b"{"), E, "not a JSON object"),
    Case("R20", partner({"sourceInfo": {"sourceType": "SQL"}}), E, "no partnerName"),
    Case("R20", partner({"partnerName": "us"}), E, "no sourceInfo.sourceType"),
    Case("R20", partner_within("T"), W, "in a table's folder"),
    Case("R20", partner_within("T/later"), W, "in a table's folder"),
    Case("R20", partner_within("sales.schema"), W, "in a schema's folder"),
    Case("R20", partner_within("T/_Temp")),
    Case("R21", well),
    Case("R21", called("1.parquet"), E, "not a name"),
    Case("R21", called(file_name(2).replace("2", "\u0662")), E, "not a name"),
    Case("R21", called(file_name(2, "csv.temp")), E, "not a name"),
    Case("R21", called(file_name(2, "tsv")), E, "not a name"),
    Case("R22", well),
    Case("R22", numbers(2, 3), E, "begins with 2", known=True),
    Case("R22", numbers(0, 1), E, "no file 0"),
    Case("R23", numbers(1, 2, 3)),
    Case("R23", aside),
    Case("R23", numbers(1, 3, 4), E, "2 files from here on wait for 2"),
    Case("R23", took(1, then=numbers(1, 3)), E, "1 file from here on wait for 2"),
    Case("R24", took(1, 2, then=aside)),
    Case("R24", again, E, "here again"),
    Case("R24", two_formats_of_one_number, E, "the same number"),
    Case("R25", took(1)),
    Case("R25", took(1, 2, then=aside)),
    Case("R25", took(1, 2, 3, then=numbers(1, 2, 3)), E, "here again"),
    Case("R25", took(1, 3, then=numbers(1, 2, 3)), E, "past number 2"),
    Case("R26", took(1, 2)),
    Case("R26", rewritten, E, "not the file any more"),
    Case("R27", well),
    Case("R27", two_formats_of_one_number, S, "csv, parquet"),
    Case("R27", another_format_now, S, "csv, parquet"),
    Case("R27", took(file_name(1, "csv"), then=numbers(2)), S, "csv, parquet"),
    Case("R28", by_time("b.parquet", "a.parquet")),
    Case("R28", at_once, W, "same moment"),
    Case("R28", by_time_again, E, "taken before"),
    Case("R28", by_time_and_aside, E, "taken before"),
    Case("R28", by_time_with_keys, W, "by key"),
    Case("R28", took("b.parquet", then=by_time_with_keys, marked=True), W, "by key"),
    Case("R36", sized(10)),
    Case("R36", sized(12), W, "12 files that wait are small", known=True),
    Case("R36", well, W, "GB", ask={"limits": Limits(large_bytes=100)}),
    Case("R38", well),
    Case("R38", lambda z: z.table(), W, "no file was ever published"),
    Case("R59", well),
    Case("R59", well, E, "new bytes", ask={"limits": Limits(bytes_a_day=100)}),
    Case("R60", claimed("aa", "aa")),
    Case("R60", claimed("aa", "bb"), E, "2 writers"),
    Case("R60", under_way(f"_{file_name(3)}")),
    Case("R60", under_way(f"_{file_name(3)}", f"_{file_name(3, 'csv')}"), E, "claim number 3"),
    Case("R60", under_way(f"_{file_name(3)}", f"_Temp/_{file_name(3)}"), E, "claim number 3"),
    Case("R60", under_way(f"_{file_name(1)}"), E, "claims number 1, which"),
    Case("R61", waiting(1)),
    Case("R61", waiting(30), W, "30 hours"),
    Case("R62", reborn(1, 2)),
    Case("R62", reborn(5), E, "begins with 5"),
    Case("R62", reborn(), E, "no first load"),
    Case("R62", reborn(1, marker=2), E, "holds changes"),
]
