"""What T-SQL does to values, as macros of DuckDB's: moments are texts, ticks are 100 ns."""

from __future__ import annotations

import re
from typing import Final

DAY: Final = 864_000_000_000
_PARSED = r"'^\s*(\d{4})-?(\d\d)-?(\d\d)(?:[ T]+(.*))?$'"
_CLOCK = r"'^\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.](\d{1,9}))?)?\s*(Z|[+-]\d\d:\d\d)?\s*$'"
_BAD = "[241] Conversion failed when converting date and/or time from character string."

_TIMES = f"""
tds_day(t) := cast(substr(t, 1, 10) as date);
tds_clock_ticks(t) := cast(substr(t, 1, 2) as bigint) * 36000000000
    + cast(substr(t, 4, 2) as bigint) * 600000000 + cast(substr(t, 7, 2) as bigint) * 10000000
    + cast(substr(t, 10, 7) as bigint);
tds_ticks(t) := cast(tds_day(t) - date '0001-01-01' as bigint) * {DAY}
    + tds_clock_ticks(substr(t, 12));
tds_clock_text(n) := printf('%02d:%02d:%02d.%07d', cast(n // 36000000000 as bigint),
    cast(n // 600000000 % 60 as bigint), cast(n // 10000000 % 60 as bigint),
    cast(n % 10000000 as bigint));
tds_text(n) := cast(date '0001-01-01' + cast(n // {DAY} as integer) as varchar) || ' '
    || tds_clock_text(n % {DAY});
tds_rounded(n, unit) := case when (n + unit // 2) // unit * unit >= 3652059 * {DAY}
    then n // unit * unit else (n + unit // 2) // unit * unit end;
tds_round(t, unit) := tds_text(tds_rounded(tds_ticks(t), unit));
tds_round_clock(t, unit) :=
    tds_clock_text((tds_clock_ticks(t) + unit // 2) // unit * unit % {DAY});
tds_old(t) := tds_text(
    (((tds_ticks(t) * cast(3 as hugeint) + 50000) // 100000 * 100000 + 1) // 3)::bigint);
tds_clock_or_null(t) := case when t is null then null when trim(t) = '' then '00:00:00.0000000'
    when regexp_matches(t, {_CLOCK}) then
    lpad(regexp_extract(t, {_CLOCK}, 1), 2, '0') || ':' || regexp_extract(t, {_CLOCK}, 2) || ':'
    || coalesce(nullif(regexp_extract(t, {_CLOCK}, 3), ''), '00') || '.'
    || substr(rpad(regexp_extract(t, {_CLOCK}, 4), 7, '0'), 1, 7) end;
tds_moment_or_null(t) := case when t is null then null
    when regexp_matches(t, '^\\d{{4}}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d[.]\\d{{7}}$') then t
    when regexp_matches(t, {_PARSED}) then
    try_cast(regexp_extract(t, {_PARSED}, 1) || '-' || regexp_extract(t, {_PARSED}, 2) || '-'
    || regexp_extract(t, {_PARSED}, 3) as date)::varchar || ' '
    || tds_clock_or_null(regexp_extract(t, {_PARSED}, 4))
    when trim(t) = '' then '1900-01-01 00:00:00.0000000'
    else '1900-01-01 ' || tds_clock_or_null(t) end;
tds_checked(x, t) := case when x is null and t is not null then error('{_BAD}') else x end;
tds_moment(t) := tds_checked(tds_moment_or_null(t), t);
tds_coarse_or_null(t) := case when not regexp_matches(t, '[.]\\d{{4,}}') then t end;
tds_coarse(t) := tds_checked(tds_coarse_or_null(t), t);
tds_minutes(t) := case when regexp_matches(t, '[+-]\\d\\d:\\d\\d\\s*$') then
    (cast(substr(trim(t), -5, 2) as bigint) * 60 + cast(right(trim(t), 2) as bigint))
    * case when substr(trim(t), -6, 1) = '-' then -1 else 1 end else 0 end;
tds_utc_or_null(t) := case when tds_minutes(t) = 0 then tds_moment_or_null(t)
    else tds_text(tds_ticks(tds_moment_or_null(t)) - tds_minutes(t) * 600000000) end;
tds_utc(t) := tds_checked(tds_utc_or_null(t), t);
tds_stamp(t) := cast(substr(t, 1, 26) as timestamp);
tds_shown(t, digits) := case when digits = 0 then substr(t, 1, 19)
    else substr(t, 1, 20 + digits) end;
tds_add(t, n) := tds_text(tds_ticks(t) + cast(n as bigint));
tds_add_months(t, n) := cast(cast(tds_day(t) + to_months(cast(n as integer)) as date) as varchar)
    || substr(t, 11);
"""

_OTHERS = """
tds_number(b) := case when b is null then null when hex(b) = '' then 0::bigint else
    case when cast('0x' || hex(b) as hugeint) >= 9223372036854775808
    then (cast('0x' || hex(b) as hugeint) - 18446744073709551616)::bigint
    else cast('0x' || hex(b) as bigint) end end;
tds_bytes(n, size) := unhex(printf('%0' || (2 * size) || 'X', cast(n as bigint)));
tds_bytes8(n) := case when n < 0
    then unhex(printf('%016X', (cast(n as hugeint) + 18446744073709551616)::ubigint))
    else unhex(printf('%016X', cast(n as bigint))) end;
tds_fitted(b, size) := unhex(rpad(substr(hex(b), 1, 2 * size), 2 * size, '0'));
tds_cut(b, size) := unhex(substr(hex(b), 1, 2 * size));
tds_from_hex(t, style) := unhex(case when style = 1 then substr(t, 3) else t end);
tds_short(t, size, told) := case when length(t) > size and length(rtrim(t, ' ')) > size
    then error('[2628] String or binary data would be truncated in ' || told
    || '. Truncated value: ''' || left(t, size) || '''.') else left(t, size) end;
tds_short_bytes(b, size, told) := case when octet_length(b) > size
    then error('[2628] String or binary data would be truncated in ' || told || '.') else b end;
tds_paged(t) := regexp_replace(t, '[^\\x{0}-\\x{7F}\\x{A0}-\\x{FF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]',
    '?', 'g');
tds_len(t) := cast(length(rtrim(t, ' ')) as integer);
"""  # noqa: RUF001 - the letters of Windows-1252 are what they are


_TEXT = r"'(?:[^']|'')*'"


def _once(name: str, body: str) -> str:
    """What a macro is given is worked out once, however often it says it: DuckDB writes it out each
    time, and in macros of macros that is a thousand times."""
    params = [word.strip() for word in name.partition("(")[2].rstrip(")").split(",")]
    said = re.sub(_TEXT, "", body)
    if not any(len(re.findall(rf"\b{word}\b(?!\()", said)) > 1 for word in params):
        return body
    words = re.compile(rf"{_TEXT}|\b(?:{'|'.join(params)})\b(?!\()")
    inner = words.sub(lambda m: m[0] if m[0].startswith("'") else f"q.{m[0]}", body)
    packed = ", ".join(f"{word} := {word}" for word in params)
    return f"list_transform([struct_pack({packed})], lambda q: {inner})[1]"


def script() -> str:
    """Statements that make all of them, in the database that connections begin in."""
    made = [piece.strip() for piece in (_TIMES + _OTHERS).split(";\n") if piece.strip()]
    return ";\n".join(
        f"create macro {name.strip()} as {_once(name.strip(), body.strip())}"
        for name, _, body in (piece.partition(":=") for piece in made)
    )
