"""What no audit log of Redshift can say: it stands on the front page, whatever the logs say."""

from __future__ import annotations

CANNOT = (
    "Whether a statement succeeded: what is listed was asked for, and may have been refused.",
    "How many rows a statement read, returned or changed, or how long it took.",
    "From which address a statement came: one that is shown is that of the session it ran in.",
    "What prepared statements were given as parameters, and passwords: they are masked or absent.",
    "Who a person is behind an account that several share, or behind an address that is a proxy's.",
    "That a record is authentic: text in a statement can look like a record of its own.",
    "What was done in AWS itself (console, API, snapshots, Data API): see CloudTrail.",
)
