"""A good file is taken, a bad one is said and left."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli import build_parser
from agent.daemon.reload import BROKEN, Reloader
from agent.loading import Loaded, load

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "trailkeeper.yaml"
    file.write_text("regions: [eu-west-1]\n")
    return file


def arguments(config: Path) -> Namespace:
    return build_parser().parse_args(["--config", str(config)])


@pytest.fixture
def reloader(config: Path) -> Reloader:
    args = arguments(config)
    return Reloader(args, load(args), NOW)


def test_what_did_not_change_is_not_loaded_again(reloader: Reloader) -> None:
    before = reloader.loaded

    assert not reloader.look(NOW)
    assert reloader.loaded is before


def test_a_good_file_is_taken(reloader: Reloader, config: Path) -> None:
    config.write_text("regions: [us-east-1]\n")

    assert reloader.look(NOW)
    assert reloader.loaded.settings.regions == ("us-east-1",)
    assert reloader.last.problem == ""
    assert not reloader.look(NOW)


def test_a_bad_file_is_said_and_the_good_one_kept(reloader: Reloader, config: Path) -> None:
    config.write_text("region: [us-east-1]\nworkers: many\n")

    assert not reloader.look(NOW)
    assert reloader.loaded.settings.regions == ("eu-west-1",)
    assert "unknown key 'region'" in reloader.last.problem
    assert "workers" in reloader.last.problem


def test_a_bad_file_is_read_once_and_a_repaired_one_is_taken(
    reloader: Reloader, config: Path
) -> None:
    config.write_text("x")
    reloader.look(NOW)
    said = reloader.last

    reloader.look(NOW)
    assert reloader.last is said
    config.write_text("regions: [eu-west-1]\n")
    assert reloader.look(NOW)
    assert reloader.last.problem == ""


def test_a_file_that_vanished_is_a_problem_not_the_defaults(
    reloader: Reloader, config: Path
) -> None:
    config.unlink()

    assert not reloader.look(NOW)
    assert "cannot be read" in reloader.last.problem
    assert reloader.loaded.settings.regions == ("eu-west-1",)


def test_a_signal_loads_what_did_not_change(reloader: Reloader) -> None:
    before = reloader.loaded

    assert reloader.look(NOW, force=True)
    assert reloader.loaded is not before


def test_files_that_are_named_anew_are_watched_from_then_on(
    reloader: Reloader, config: Path
) -> None:
    waivers = config.parent / "waivers.yaml"
    waivers.write_text("[]\n")
    config.write_text("waivers: waivers.yaml\n")
    assert reloader.look(NOW)
    while reloader.look(NOW):
        pass

    waivers.write_text("- rule: nonsense\n")

    assert not reloader.look(NOW)
    assert "waivers.yaml" in reloader.last.problem


def test_settings_of_the_start_are_said_to_need_one(reloader: Reloader, config: Path) -> None:
    config.write_text("http: {listen: 127.0.0.1:9000}\nstore: {history_days: 9}\n")
    assert reloader.look(NOW)
    assert reloader.last.needs_restart == ("store", "http")

    config.write_text("regions: [eu-west-1]\n")

    assert reloader.look(NOW)
    assert reloader.last.needs_restart == ()


def test_an_error_that_nobody_foresaw_is_no_successful_reload(
    reloader: Reloader, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(args: Namespace) -> Loaded:
        raise RecursionError

    before = reloader.loaded
    config.write_text("regions: [us-east-1]\n")
    monkeypatch.setattr("agent.daemon.reload.load", broken)

    with pytest.raises(RecursionError):
        reloader.look(NOW)
    assert reloader.last.problem == BROKEN
    assert reloader.loaded is before
