"""Section 4, asked of small tables and counted by hand."""

from __future__ import annotations

import pytest

from agent.report.model import Questions
from agent.report.sections.transport import SECTION
from tests.report.tables import answers, filled_calendar, made


def login(**columns: object) -> dict[str, object]:
    """A login on the fifth."""
    return {"at": "2026-10-05 10:00:00", **columns}


def test_logins_are_told_by_what_protects_them() -> None:
    connects = [
        login(),
        login(tls_version="TLSv1.3"),
        login(tls_version="TLSv1.1", user_name="amy"),
        login(tls_version="", user_name="eve"),
        login(tls_version="", user_name="eve", remote_host="10.0.0.9"),
        login(tls_version="", remote_host="local"),
        login(tls_version="", user_name="rdsdb"),
        login(tls_version="", event="authentication failure"),
    ]

    found = answers(made(connect=connects, calendar=filled_calendar()), SECTION)
    noted = SECTION.findings(found, Questions())

    assert [(r["tls_version"], r["logins"]) for r in found["versions"]] == [
        ("none", 2),
        ("TLSv1.1", 1),
        ("TLSv1.2", 1),
        ("TLSv1.3", 1),
    ]
    assert [(r["user_name"], r["remote_host"]) for r in found["without"]] == [
        ("eve", "10.0.0.1"),
        ("eve", "10.0.0.9"),
    ]
    assert [r["user_name"] for r in found["old"]] == ["amy"]
    (day,) = [r for r in found["by_day"] if r["modern"]]
    assert (day["modern"], day["old"], day["plain"]) == (2, 1, 2)
    assert [(one.severity, one.subject, one.count) for one in noted] == [
        ("high", "eve", 2),
        ("medium", "amy", 1),
    ]
    assert "2 logins of this user from 2 addresses" in noted[0].because


@pytest.mark.parametrize(
    ("cipher", "is_weak"),
    [
        pytest.param("ECDHE-RSA-AES256-GCM-SHA384", False, id="OpenSSL's name of a good one"),
        pytest.param("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", False, id="the RFC's name of one"),
        pytest.param("ECDHE-ECDSA-CHACHA20-POLY1305", False, id="ChaCha"),
        pytest.param("RC4-SHA", True, id="RC4"),
        pytest.param("TLS_RSA_WITH_3DES_EDE_CBC_SHA", True, id="3DES"),
        pytest.param("NULL-SHA256", True, id="no encryption"),
        pytest.param("ADH-AES256-SHA", True, id="anonymous"),
    ],
)
def test_weak_ciphers_are_known_by_name(cipher: str, *, is_weak: bool) -> None:
    found = answers(made(connect=[login(tls_cipher=cipher)]), SECTION)

    assert bool(found["weak"]) == is_weak
    assert [one.severity for one in SECTION.findings(found, Questions())] == ["medium"] * is_weak


@pytest.mark.parametrize(
    ("driver", "is_old"),
    [
        pytest.param("Amazon Redshift JDBC Driver 1.2.54.1082", True, id="JDBC 1"),
        pytest.param("Amazon Redshift ODBC Driver 1.4.11.1000", True, id="ODBC 1"),
        pytest.param("Amazon Redshift JDBC Driver 2.1.0.30", False, id="JDBC 2"),
        pytest.param("Redshift Python Driver 2.0.910", False, id="Python"),
        pytest.param("", False, id="none told"),
    ],
)
def test_drivers_of_the_first_generation_are_old(driver: str, *, is_old: bool) -> None:
    sessions = [{"driver_version": driver, "start_ms": "2026-10-05 10:00:00"}]

    found = answers(made(session=sessions), SECTION)

    assert [r["sessions"] for r in found["drivers"]] == [1]
    assert [one.severity for one in SECTION.findings(found, Questions())] == ["low"] * is_old
