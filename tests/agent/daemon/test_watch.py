"""Files are watched by what stands in them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config import load_settings
from agent.daemon.watch import fingerprint, watched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, waivers and a folder of rules."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yaml").write_text("id: one\n")
    (tmp_path / "waivers.yaml").write_text("[]\n")
    (tmp_path / "trailkeeper.yaml").write_text("rules: [rules]\nwaivers: waivers.yaml\n")
    return tmp_path


def paths(folder: Path) -> tuple[Path, ...]:
    config = folder / "trailkeeper.yaml"
    args = Namespace(config=str(config), rule_dirs=None)
    return watched(args, load_settings(config, {}))


CHANGES: list[object] = [
    pytest.param(lambda at: (at / "trailkeeper.yaml").write_text("{}"), True, id="configuration"),
    pytest.param(lambda at: (at / "waivers.yaml").write_text("[ ]\n"), True, id="waivers"),
    pytest.param(lambda at: (at / "rules" / "one.yaml").write_text("id: two\n"), True, id="a rule"),
    pytest.param(lambda at: (at / "rules" / "two.yaml").write_text(""), True, id="a rule more"),
    pytest.param(lambda at: (at / "rules" / "one.yaml").unlink(), True, id="a rule less"),
    pytest.param(
        lambda at: (at / "rules" / "one.yaml").rename(at / "rules" / "two.yaml"),
        True,
        id="a rule under another name",
    ),
    pytest.param(lambda at: (at / "waivers.yaml").unlink(), True, id="waivers gone"),
    pytest.param(lambda at: os.utime(at / "waivers.yaml", (0, 0)), False, id="touched only"),
    pytest.param(
        lambda at: (at / "rules" / "..data").mkdir(), False, id="what Kubernetes keeps beside"
    ),
]


@pytest.mark.parametrize(("change", "seen"), CHANGES)
def test_a_change_is_seen_by_its_content(
    folder: Path, change: Callable[[Path], object], *, seen: bool
) -> None:
    named = paths(folder)
    before = fingerprint(named)

    change(folder)

    assert (fingerprint(named) != before) is seen


def test_a_configmap_that_is_swapped_is_seen(tmp_path: Path) -> None:
    """Kubernetes writes a new folder and turns one symbolic link; the mount keeps its names."""
    for name, text in (("old", "regions: [eu-west-1]"), ("new", "regions: [eu-west-2]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trailkeeper.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("old")
    (tmp_path / "trailkeeper.yaml").symlink_to("..data/trailkeeper.yaml")
    named = paths(tmp_path)
    before = fingerprint(named)

    (tmp_path / "..tmp").symlink_to("new")
    (tmp_path / "..tmp").rename(tmp_path / "..data")

    assert fingerprint(named) != before


def test_what_is_watched_is_what_is_read(folder: Path) -> None:
    assert [path.name for path in paths(folder)] == ["trailkeeper.yaml", "rules", "waivers.yaml"]
    assert watched(Namespace(config=None, rule_dirs=None), load_settings(None, {})) == ()
