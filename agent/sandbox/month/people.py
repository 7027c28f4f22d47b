"""Who uses the cluster: people, services and the service itself, each with its ways."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """What a session says of the program at its other end."""

    application: str = ""
    os: str = ""
    driver: str = ""
    plugin: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A database user. `logged` is its name as the logs write it, with a prefix IAM: or IAMR:.

    weekday, weekend: sessions to be expected an hour, from 0 to 23 UTC, at scale 1.
    records, minutes: of a usual session. work: the pool of statements that it draws from.
    """

    logged: str
    user_id: int
    work: str
    client: Client
    addresses: tuple[str, ...]
    weekday: tuple[float, ...]
    weekend: tuple[float, ...]
    db: str = "prod"
    auth: str = "password"
    records: float = 18
    minutes: float = 25
    tls: tuple[str, str] = ("TLSv1.3", "TLS_AES_256_GCM_SHA384")

    @property
    def name(self) -> str:
        """Without the prefix: as tables and reports show it."""
        return self.logged.removeprefix("IAMR:").removeprefix("IAM:")

    @property
    def kind(self) -> str:
        """IAM, IAMR or local."""
        prefix = self.logged.partition(":")[0]
        return prefix if prefix in ("IAM", "IAMR") else "local"


def _rhythm(**hours: float) -> tuple[float, ...]:
    """Sessions an hour: `h8_17=0.5` from 8 to 17 o'clock, that hour included; else none."""
    found = [0.0] * 24
    for span, rate in hours.items():
        first, last = (int(part) for part in span[1:].split("_"))
        found[first : last + 1] = [rate] * (last + 1 - first)
    return tuple(found)


_NEVER = _rhythm()
_OFFICE = _rhythm(h7_7=0.15, h8_11=0.55, h12_12=0.25, h13_16=0.5, h17_17=0.2)
_LINUX = "Linux 5.10.226-214.880.amzn2.x86_64 amd64"
_TLS12 = ("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")
_IAM = "IAM AssumeUser"

_DBEAVER = Client(
    "DBeaver 24.2.3 - SQLEditor <Script-7.sql>",
    "Windows 11 10.0 amd64",
    "Amazon Redshift JDBC Driver 2.1.0.30",
    "none",
)
_TABLEAU = Client(
    "Tableau | Finance daily",  # a pipe, where pipes separate the columns
    "Windows Server 2022 10.0 64-bit",
    "Amazon Redshift ODBC Driver 2.1.4.0",
    "none",
)
_DBT = Client("dbt", _LINUX, "psycopg2 2.9.9 libpq 15", "none")
_GLUE = Client("AWS Glue etl-nightly", _LINUX, "Amazon Redshift JDBC Driver 2.1.0.30", "none")
_NOTEBOOK = Client(
    "JupyterLab",
    _LINUX,
    "Redshift Python Driver 2.1.3",
    "com.amazon.redshift.plugin.OktaCredentialsProvider",
)
_ODBC_OLD = Client(
    "EXCEL.EXE", "Windows 7 6.1 64-bit", "Amazon Redshift ODBC Driver 1.4.2.1010", "none"
)

RDSDB = Person("rdsdb", 1, "internal", Client(), ("[local]",), _NEVER, _NEVER, "dev", "Ident")
ADMIN = Person(
    "larkadmin",
    100,
    "admin",
    Client("psql", _LINUX, "libpq 15.8", "none"),
    ("10.20.4.11",),
    _rhythm(h9_15=0.2),
    _NEVER,
    records=9,
    minutes=35,
)
ETL = Person(
    "svc-etl",
    101,
    "etl",
    _GLUE,
    ("10.20.8.21", "10.20.8.22"),
    _rhythm(h0_23=0.9),
    _rhythm(h0_23=0.7),
    records=14,
    minutes=12,
)
DBT = Person(
    "svc-dbt",
    102,
    "dbt",
    _DBT,
    ("10.20.8.30",),
    _rhythm(h2_4=2.0, h5_20=0.35),
    _rhythm(h2_4=2.0),
    records=20,
    minutes=16,
    tls=_TLS12,
)
CONTRACTOR = Person(
    "contractor7",
    131,
    "analyst",
    _DBEAVER,
    ("10.20.60.7",),
    _rhythm(h9_16=0.12),
    _NEVER,
    records=12,
)
LEGACY = Person(
    "svc-legacy-export",
    118,
    "bi",
    _ODBC_OLD,
    ("10.20.99.5",),
    _NEVER,
    _NEVER,
    records=5,
    minutes=4,
    tls=("", ""),
)

PEOPLE = (
    ADMIN,
    ETL,
    DBT,
    CONTRACTOR,
    LEGACY,
    Person(
        "svc-tableau",
        103,
        "bi",
        _TABLEAU,
        ("10.20.16.40", "10.20.16.41", "2001:db8:20::41"),
        _rhythm(h6_6=2.0, h7_17=1.5, h18_19=0.6),
        _rhythm(h6_6=1.0),
        records=26,
        minutes=30,
        tls=_TLS12,
    ),
    Person(
        "svc_monitor",
        104,
        "monitor",
        Client("datadog-agent", _LINUX, "psycopg 3.2.3 libpq 16", "none"),
        ("10.20.8.90",),
        _rhythm(h0_23=1.5),
        _rhythm(h0_23=1.5),
        db="dev",
        records=3,
        minutes=1,
    ),
    Person(
        "IAM:maria.keller", 110, "analyst", _DBEAVER, ("10.20.32.15",), _OFFICE, _NEVER, auth=_IAM
    ),
    Person(
        "IAM:priya.nair",
        111,
        "analyst",
        _DBEAVER,
        ("10.20.32.18", "10.20.64.3"),
        _OFFICE,
        _rhythm(h9_11=0.1),
        auth=_IAM,
    ),
    Person(
        "IAMR:DataScience",
        112,
        "science",
        _NOTEBOOK,
        ("10.20.48.9", "10.20.48.12"),
        _rhythm(h8_19=0.6),
        _rhythm(h10_16=0.1),
        auth=_IAM,
        records=22,
        minutes=70,
    ),
    Person("tom@larkfield.example", 113, "analyst", _DBEAVER, ("10.20.32.31",), _OFFICE, _NEVER),
    Person("o'brien", 114, "finance", _DBEAVER, ("10.20.33.7",), _OFFICE, _NEVER, tls=_TLS12),
    Person(
        'jane "jd" doe',
        115,
        "finance",
        Client("EXCEL.EXE", _TABLEAU.os, _TABLEAU.driver, "none"),
        ("10.20.33.9",),
        _OFFICE,
        _NEVER,
        tls=_TLS12,
    ),
)
