"""Packs on disk: shipped by name, others by folder; what cannot be read is a problem."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.packs import MAX_BYTES, load_packs, shipped_packs
from controls.kinds.catalog import KINDS as REAL_KINDS
from tests.controls.toys import FIXES, KINDS, rule_text

PACK = "name: {name}\nversion: 1\ndescription: Boxes.\n"


def written(folder: Path, *names: str, pack: bool = False) -> Path:
    """A folder with a rule file for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.yaml").write_text(rule_text(name=name), encoding="utf-8")
    if pack:
        (folder / "pack.yaml").write_text(PACK.format(name=folder.name), encoding="utf-8")
    return folder


def load(*folders: Path, packs=(), shipped=None):
    rules, problems = load_packs(packs, folders, KINDS, FIXES, shipped=shipped)
    return [(rule.pack, rule.id) for rule in rules], [str(problem) for problem in problems]


def test_the_shipped_pack_loads_without_a_problem():
    rules, problems = load_packs(("redshift-audit",), (), {kind.name: kind for kind in REAL_KINDS})

    assert problems == ()
    assert {rule.pack for rule in rules} == {"redshift-audit"}
    assert sorted(rule.id for rule in rules) == sorted(
        path.stem
        for path in (shipped_packs() / "redshift-audit").glob("*.yaml")
        if path.stem != "pack"
    )


def test_a_folder_of_rules_is_a_pack(tmp_path):
    boxes = written(tmp_path / "boxes", "b", "a")

    assert load(boxes) == ([("boxes", "a"), ("boxes", "b")], [])


def test_a_folder_of_packs_gives_every_one_of_them(tmp_path):
    written(tmp_path / "more", "c", pack=True)
    written(tmp_path / "boxes", "a", pack=True)
    (tmp_path / "README.md").write_text("not a rule")
    (tmp_path / "empty").mkdir()

    assert load(tmp_path) == ([("boxes", "a"), ("more", "c")], [])


def test_shipped_packs_are_taken_by_name_only(tmp_path):
    written(tmp_path / "boxes", "a")
    written(tmp_path / "shelves", "b")

    assert load(packs=("boxes",), shipped=tmp_path) == ([("boxes", "a")], [])
    assert load(packs=("shelfs",), shipped=tmp_path) == (
        [],
        ["packs: there is no shipped pack 'shelfs'; did you mean 'shelves'?"],
    )


def test_a_folder_named_twice_is_read_once(tmp_path):
    boxes = written(tmp_path / "boxes", "a")

    assert load(boxes, tmp_path, boxes) == ([("boxes", "a")], [])


def test_an_id_in_two_packs_is_a_problem_that_names_both(tmp_path):
    written(tmp_path / "one", "a")
    written(tmp_path / "two", "a")

    _, (problem,) = load(tmp_path)

    assert problem.startswith(f"{tmp_path}/two/a.yaml:1:5: the id a is used already, in ")
    assert f"{tmp_path}/one/a.yaml:1" in problem


def test_what_is_hidden_is_not_read_as_in_a_configmap(tmp_path):
    """Kubernetes mounts a ConfigMap as links into `..data`, itself a link into a dated folder."""
    written(tmp_path / "boxes" / "..2026_01_01", "a")
    (tmp_path / "boxes" / "..data").symlink_to("..2026_01_01")
    (tmp_path / "boxes" / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "boxes" / ".swp.yaml").write_text("half a file")

    assert load(tmp_path / "boxes") == ([("boxes", "a")], [])


def test_the_path_shown_is_the_one_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (written(tmp_path / "boxes") / "a.yaml").write_text(rule_text("lockd", name="a"))

    _, from_here = load(Path("boxes"))
    _, from_root = load(tmp_path / "boxes")

    assert from_here == from_root
    assert from_here[0].startswith("boxes/a.yaml:7:3: toy_box has no fact 'lockd'")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("a.yml", b"", "a.yml: a rule file ends in .yaml: rename", id="yml"),
        pytest.param(
            "a.yaml",
            b"id: a\ntitle: caf\xe9\n",
            "a.yaml:2:11: byte 0xE9 is not UTF-8: save the file as UTF-8",
            id="Latin-1",
        ),
        pytest.param(
            "a.yaml",
            "id: a\n".encode("utf-16"),
            "a.yaml:1:1: byte 0xFF is not UTF-8: save the file as UTF-8",
            id="UTF-16",
        ),
        pytest.param(
            "a.yaml",
            b"#" * (MAX_BYTES + 1),
            "a.yaml: the file is longer than 65536 characters",
            id="huge",
        ),
        pytest.param(
            "pack.yaml",
            b"name: crates\nversion: 1\ndescription: Boxes.\n",
            "pack.yaml:1:7: the pack is crates, its folder is boxes: they must be the same",
            id="a pack of another name",
        ),
        pytest.param(
            "pack.yaml",
            b"name: boxes\nversion: 1\n",
            "pack.yaml:1:1: description is missing",
            id="a pack without a description",
        ),
        pytest.param(
            "pack.yaml",
            b"name: boxes\nversion: 1\ndescription: x\nauthor: me\n",
            "pack.yaml:4:1: unknown key 'author'; known are name, version, description",
            id="an unknown key",
        ),
        pytest.param(
            "pack.yaml",
            b"- boxes\n",
            "pack.yaml:1:1: the document should be a mapping of keys to values",
            id="a list",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem(tmp_path, name, content, problem):
    boxes = written(tmp_path / "boxes", "good")
    (boxes / name).write_bytes(content)

    rules, (shown,) = load(boxes)

    assert shown.startswith(f"{boxes}/{problem}")
    assert rules == [("boxes", "good")]


def test_an_empty_pack_file_is_a_problem(tmp_path):
    boxes = written(tmp_path / "boxes", "good")
    (boxes / "pack.yaml").write_text("# later\n")

    _, problems = load(boxes)

    assert problems == [
        f"{boxes}/pack.yaml: {key} is missing" for key in ("name", "version", "description")
    ]


def test_a_pipe_or_a_dangling_link_is_not_waited_for(tmp_path):
    boxes = written(tmp_path / "boxes", "good")
    os.mkfifo(boxes / "pipe.yaml")
    (boxes / "gone.yaml").symlink_to("nowhere")

    rules, problems = load(boxes)

    assert problems == [
        f"{boxes}/gone.yaml: this is no file",
        f"{boxes}/pipe.yaml: this is no file",
    ]
    assert rules == [("boxes", "good")]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "this folder cannot be read: No such file", id="missing"),
        pytest.param(lambda path: path.write_text(""), "this folder cannot be", id="file"),
        pytest.param(lambda path: path.mkdir(), "there are no rule files", id="empty"),
    ],
)
def test_a_folder_without_rules_is_a_problem(tmp_path, make, message):
    make(tmp_path / "boxes")

    rules, (problem,) = load(tmp_path / "boxes")

    assert rules == []
    assert problem.startswith(f"{tmp_path}/boxes: {message}")


def test_a_rule_that_lies_too_deep_is_not_passed_over(tmp_path):
    written(tmp_path / "boxes", "a")
    deep = written(tmp_path / "boxes" / "red", "b")

    rules, problems = load(tmp_path)

    assert rules == [("boxes", "a")]
    assert problems == [f"{deep}/b.yaml: a rule lies directly in its pack's folder"]


def test_a_file_that_may_not_be_read_is_a_problem(tmp_path):
    """A process's own memory refuses to be read from its start, by root as well."""
    boxes = written(tmp_path / "boxes", "good")
    (boxes / "a.yaml").symlink_to("/proc/self/mem")

    rules, problems = load(boxes)

    assert problems == [f"{boxes}/a.yaml: this file cannot be read: Input/output error"]
    assert rules == [("boxes", "good")]
