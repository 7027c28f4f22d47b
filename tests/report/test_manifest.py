"""The folder of a report: the same bytes for the same input, hashed, there whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.report.outputs.folder import before_of, place_of, put_in_place, write
from agent.report.outputs.publish import parse_url, publish
from agent.report.redact import redacted
from tests.report.documents import document

MAKE = """
import sys
from pathlib import Path
from agent.report.outputs.folder import write
from agent.report.redact import redacted
from tests.report.documents import document
write(redacted(document()), Path(sys.argv[1]))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_document_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    write(redacted(document()), tmp_path / "here")
    env = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-c", MAKE, str(tmp_path / "there")]
    root = Path(__file__).resolve().parents[2]
    subprocess.run(command, check=True, env=env, cwd=root)

    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_the_manifest_names_every_file_with_its_hash(tmp_path: Path) -> None:
    told = write(document(), tmp_path)
    found = {name: body for name, body in contents(tmp_path).items() if name != "manifest.json"}

    assert [one["name"] for one in told["files"]] == sorted(found)
    for one in told["files"]:
        assert one["sha256"] == hashlib.sha256(found[one["name"]]).hexdigest()
        assert one["size"] == len(found[one["name"]])
    assert json.loads((tmp_path / "manifest.json").read_bytes()) == told


def test_the_manifest_says_what_it_was_made_from_and_how_it_ended(tmp_path: Path) -> None:
    told = write(document(), tmp_path)

    assert told["schema"] == "trailkeeper.report-manifest/1"
    assert told["month"] == "2026-10"
    assert told["writer"]["cluster"] == "sales-dwh"
    assert told["verdict"] == "incomplete"
    assert told["unanswered"] == ["volume"]
    assert told["findings"] == {"critical": 1, "high": 1, "medium": 1, "low": 1, "info": 1}
    assert set(told["inputs"][0]) == {"key", "etag", "sha256", "size", "records", "status"}


def test_run_json_is_no_part_of_the_manifest(tmp_path: Path) -> None:
    place = put_in_place(document(), tmp_path, {"seconds": 1.5})
    told = json.loads((place / "manifest.json").read_bytes())

    assert place == tmp_path / "2026-10" / "111122223333_eu-west-1_sales-dwh"
    assert json.loads((place / "run.json").read_bytes()) == {"seconds": 1.5}
    assert "run.json" not in [one["name"] for one in told["files"]]


def test_an_older_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    place = put_in_place(document(), tmp_path, {})
    (place / "csv" / "old.csv").write_text("of a section that is no more")
    put_in_place(document(), tmp_path, {})

    assert not (place / "csv" / "old.csv").exists()
    assert [one.name for one in place.parent.iterdir()] == [place.name]


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    place = put_in_place(document(), tmp_path, {})
    before = contents(place)

    def full(_folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        put_in_place(document(), tmp_path, {}, full)
    assert contents(place) == before
    assert [one.name for one in place.parent.iterdir()] == [place.name]


def test_the_manifest_is_published_last(tmp_path: Path) -> None:
    place = put_in_place(document(), tmp_path, {})
    put: list[str] = []
    keys = publish(place, "reports/x/", lambda key, path: put.append(key))

    assert put == keys
    assert put[-1] == "reports/x/manifest.json"
    assert len(put) == len(contents(place))


def test_a_file_that_is_refused_ends_the_publishing_before_the_manifest(tmp_path: Path) -> None:
    place = put_in_place(document(), tmp_path, {})
    put: list[str] = []

    def refuse(key: str, _path: Path) -> None:
        if key.endswith("report.json"):
            raise OSError("refused")
        put.append(key)

    with pytest.raises(OSError, match="refused"):
        publish(place, "", refuse)
    assert "manifest.json" not in put


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/a/c", ("b", "a/c/")),
        ("s3://b/a/c/", ("b", "a/c/")),
    ],
)
def test_a_url_is_bucket_and_prefix(url: str, parts: tuple[str, str]) -> None:
    assert parse_url(url) == parts


def test_the_month_before_lies_beside() -> None:
    found: Any = document()

    assert before_of(found) == "2026-09/111122223333_eu-west-1_sales-dwh/report.json"
    assert place_of(found) == "2026-10/111122223333_eu-west-1_sales-dwh"
