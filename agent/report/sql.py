"""The SQL that the three engines share, and the tables the questions are asked of.

Written as Trino (Athena) writes it; DuckDB and Spark read the same text. What keeps it portable,
each learned from a failure (nothing of it raises an error, the answers just differ):

- counts, sums, min, max, `min_by`, `CASE`, joins, window functions, `regexp_like(text, pattern)`,
  `replace_all(text, pattern, replacement)`, `lower`, `substr`, `position(a IN b)`, `length`,
  `LIKE`, `coalesce`, `||`;
- no division (`/` differs), no casts to text, no time functions: use `at_ms`, `slot` and the
  columns of the calendar; no `string_agg`, no GROUP BY ALL, no alias in HAVING or WHERE;
- patterns are those of RE2 without look-around; a backslash is a backslash;
- `sensitive_like(text, pattern)` is `regexp_like` for patterns of the table `sensitive`: DuckDB
  compiles a pattern that is no constant anew for every row, so it is told them beforehand;
- no ORDER BY or LIMIT outside windows: the engine adds them; a window's ORDER BY is total;
- averages and quantiles by integers alone: rank rows with row_number(), pick one.

Tables (every engine makes them, for one cluster and month):

`object_list`  object_id, object_no (from 1, by stamp), source_key, log_type, stamp_ms
`calendar`     slot, hour_index (hours since 1970), utc_day, local_day ('YYYY-MM-DD'), local_hour,
               weekday (0 Monday), is_off_hours, in_window (a change window, or none is configured);
               one row each quarter of an hour of the month: a join with it keeps the month alone
`statement`    every column of `activity` (agent/auditlog/schema.py) and of the calendar, with
               `evidence`; month only; one row a statement. A view over all text: ask it seldom
`activity_hour` statement counted by user_name, identity, user_id, db_name, verb, verb_class,
               utc_day, local_day, local_hour, weekday, hour_index, is_off_hours, is_internal,
               is_duplicate: statements, records, first_ms, last_ms, evidence (first)
`event`        the statements that are not plain reading and writing of rows: verb_class in DDL,
               DCL, DATA_MOVE, UTILITY, OTHER, or is_unfiltered; without internal ones and
               duplicates: at_ms, utc_day, local_day, is_off_hours, in_window, evidence, user_name,
               identity, db_name, verb, verb_class, object_name, statement_no, statements,
               is_unfiltered, query_text, and remote_host and application_name of the session they
               ran in ('' where no session is found)
`privilege_change`, `schema_change`, `data_movement`: events by kind (agent/report/kinds.py): at_ms,
               utc_day, local_day, user_name, identity, remote_host, db_name, verb, object_name,
               query_text (its beginning), evidence; and kind, whom, why (what is notable),
               is_on_schema, statement_no; or in_window, is_temporary; or kind, shared_out, buckets
`connect`      one row a connection record of the month: at_ms, hour_index, local_day, local_hour,
               weekday, is_off_hours, evidence, event, remote_host, pid, db_name, user_name,
               identity, auth_method, tls_version, tls_cipher, iam_guid, application_name,
               os_version, driver_version
`connect_before` connection records of earlier months at hand: user_name, remote_host,
               application_name, driver_version, os_version, first_ms, last_ms, records (grouped);
               empty where there are none: then nothing is called new
`session`      one row a session that begins, ends or is seen in the month: session_id, pid,
               db_name, user_name, identity, remote_host, application_name, driver_version,
               os_version, start_ms, end_ms (null: open), duration_us (null: open), end_event,
               evidence
`user_event`   every column of `user_change` and of the calendar, with `evidence`, and of the
               activity log: actor (user_name; '' where not found), statement (query_text),
               remote_host of the actor's session; month only
`setting`      one row: burst_failures, burst_ms, month_start_ms, month_end_ms (the first moment
               after the month): what is configured, and a fixed text of SQL cannot know
`sensitive`    pattern (a regular expression over lower-case text), name (as configured)
`bad_line_seen` object_id, ordinal, log_type, reason, line, evidence
"""

from __future__ import annotations

FUNCTIONS = {
    "duckdb": {},  # macros of the same names
    "spark": {"replace_all": "regexp_replace", "sensitive_like": "regexp_like"},
    "athena": {"replace_all": "regexp_replace", "sensitive_like": "regexp_like"},
}
"""What a function of the shared SQL is called in each engine, where it is called otherwise."""
