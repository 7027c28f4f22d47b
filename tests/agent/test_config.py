"""Settings: what is accepted, how it reads in the engine, and every problem with its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.config import Settings, Target, load_settings
from agent.yaml_file import ConfigProblems
from controls.kinds.kind import LogBucket
from controls.params import PCI, SIX_MONTHS, Assignment, Override, RetentionClass

ROLE = "arn:aws:iam::111122223333:role/trailkeeper"


def load(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ)


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    """Every problem, with the folder taken off its place."""
    with pytest.raises(ConfigProblems) as error:
        load(folder, text, **environ)
    return [problem.headline.removeprefix(f"{folder}/") for problem in error.value.problems]


def test_no_file_at_all_gives_the_defaults() -> None:
    settings = load_settings(None, {})

    assert settings.targets == (Target(),)
    assert settings.regions is None
    assert settings.packs == ("redshift-audit",)
    assert settings.waivers is None
    assert settings.workers == 16
    assert settings.target_deadline_seconds == 300
    assert (settings.call_timeouts.connect_seconds, settings.call_timeouts.read_seconds) == (5, 20)
    assert settings.all_overrides() == ()
    assert settings.known_log_buckets() == ()
    assert settings.retention_policy().default == "six-months"
    assert settings.retention_policy().classes == {"six-months": SIX_MONTHS, "pci": PCI}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "{}"])
def test_an_empty_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).model_dump() == load_settings(None, {}).model_dump()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("targets: current", {"targets": (Target(),)}, id="current"),
        pytest.param(
            f"targets: [current, {{role: '{ROLE}', external_id: 0123, regions: all}}]",
            {"targets": (Target(), Target(role=ROLE, external_id="0123", regions="all"))},
            id="current beside a role, an external id of digits",
        ),
        pytest.param("regions: all", {"regions": "all"}, id="every region"),
        pytest.param(
            "regions: [eu-west-1, us-gov-east-1, eu-west-1]",
            {"regions": ("eu-west-1", "us-gov-east-1")},
            id="a region named twice is read once",
        ),
        pytest.param("packs: []", {"packs": ()}, id="no pack"),
        pytest.param("workers: 4", {"workers": 4}, id="workers"),
        pytest.param(
            "target_deadline_seconds: 90", {"target_deadline_seconds": 90.0}, id="a deadline"
        ),
        pytest.param("\ufeffworkers: 4\r\n", {"workers": 4}, id="as Windows writes it"),
    ],
)
def test_what_can_be_said(tmp_path: Path, text: str, read: dict[str, Any]) -> None:
    settings = load(tmp_path, text)

    assert {key: getattr(settings, key) for key in read} == read


@pytest.mark.parametrize("account", ["111122223333", "'111122223333'", "012345670123"])
def test_an_account_keeps_its_digits_with_and_without_quotes(tmp_path: Path, account: str) -> None:
    """012345670123 would be an octal number to YAML 1.1, and another account."""
    text = f"log_buckets: [{{bucket: audit-logs, account: {account}, region: eu-west-1}}]"

    assert load(tmp_path, text).known_log_buckets() == (
        LogBucket("audit-logs", account.strip("'"), "eu-west-1"),
    )


def test_params_and_overrides_reach_the_engine_with_their_place(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """\
params:
  logs-fresh: {max_age_hours: 48}
overrides:
  - {rule: logs-fresh, params: {max_age_hours: 12}, account: 111122223333, region: eu-west-1}
  - {rule: logs-fresh, params: {on: yes, list: [a]}, tag: env=a=b, resource: prod-*}
""",
    )

    assert settings.all_overrides() == (
        Override("logs-fresh", {"max_age_hours": 48}),
        Override("logs-fresh", {"max_age_hours": 12}, account="111122223333", region="eu-west-1"),
        Override("logs-fresh", {"on": "yes", "list": ["a"]}, tag=("env", "a=b"), resource="prod-*"),
    )
    places = [override.at.removeprefix(f"{tmp_path}/") for override in settings.all_overrides()]
    assert places == ["config.yaml:2:3", "config.yaml:4:5", "config.yaml:5:5"]


def test_each_parameter_knows_where_it_was_written(tmp_path: Path) -> None:
    """A variable of the environment is named, though the rest stands in the file."""
    text = """\
params: {logs-fresh: {grace: 1}}
overrides:
  - {rule: logs-fresh, params: {max_age_hours: 12}, region: eu-west-1}
retention: {classes: {sox: {min_days: 1, max_days: 2}}}
"""
    variable = "TRAILKEEPER_PARAMS__LOGS-FRESH__MAX_AGE_HOURS"

    settings = load(tmp_path, text, **{variable: "48"})

    file = f"{tmp_path}/config.yaml"
    assert [override.param_at for override in settings.all_overrides()] == [
        {"grace": f"{file}:1:23", "max_age_hours": variable},
        {"max_age_hours": f"{file}:3:33"},
    ]
    assert settings.retention_policy().classes["sox"].at == f"{file}:4:23"


def test_retention_classes_reach_the_engine(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        """\
retention:
  classes: {sox: {min_days: 2555, max_days: 2600}}
  default: sox
  assign:
    - {class: pci, tag: team=payments, account: '111122223333'}
    - {class: six-months, location: sandbox-*}
""",
    ).retention_policy()

    assert policy.default == "sox"
    assert policy.classes["sox"] == RetentionClass("sox", 2555, 2600)
    assert policy.classes["pci"] == PCI
    assert policy.assign == (
        Assignment("pci", account="111122223333", tag=("team", "payments")),
        Assignment("six-months", location="sandbox-*"),
    )


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "waivers.yaml").write_text("[]")

    settings = load(tmp_path, "rules: [own]\nwaivers: waivers.yaml\n")

    assert settings.rules == (tmp_path / "own",)
    assert settings.waivers == tmp_path / "waivers.yaml"


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        pytest.param({"TRAILKEEPER_WORKERS": "8"}, {"workers": 8}, id="over the file"),
        pytest.param({"TRAILKEEPER_WORKERS": " "}, {"workers": 4}, id="empty is not set"),
        pytest.param(
            {"TRAILKEEPER_REGIONS": "[eu-west-2]"}, {"regions": ("eu-west-2",)}, id="list"
        ),
        pytest.param({"WORKERS": "8", "trailkeeper_workers": "8"}, {"workers": 4}, id="not ours"),
        pytest.param(
            {
                "TRAILKEEPER_PORT": "tcp://10.0.0.1:9712",
                "TRAILKEEPER_SERVICE_HOST": "10.0.0.1",
                "TRAILKEEPER_SERVICE_PORT": "9712",
                "TRAILKEEPER_SERVICE_PORT_HTTP": "9712",
                "TRAILKEEPER_PORT_9712_TCP": "tcp://10.0.0.1:9712",
                "TRAILKEEPER_PORT_9712_TCP_ADDR": "10.0.0.1",
                "TRAILKEEPER_DEBUG": "1",
            },
            {"workers": 4},
            id="what Kubernetes sets beside a Service of our name, and the debug switch",
        ),
    ],
)
def test_the_environment_goes_over_the_file(
    tmp_path: Path, environ: dict[str, str], read: dict[str, Any]
) -> None:
    settings = load(tmp_path, "workers: 4\nregions: all\n", **environ)

    assert {key: getattr(settings, key) for key in read} == read


def test_two_underscores_go_one_level_down(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "call_timeouts: {read_seconds: 9}\n",
        TRAILKEEPER_CALL_TIMEOUTS__CONNECT_SECONDS="2",
        TRAILKEEPER_RETENTION__DEFAULT="pci",
    )

    assert (settings.call_timeouts.connect_seconds, settings.call_timeouts.read_seconds) == (2, 9)
    assert settings.retention.default == "pci"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "region: all", "config.yaml:1:1: unknown key 'region'; did you mean", id="typo"
        ),
        pytest.param("shard: x", "unknown key 'shard'; known are targets", id="later"),
        pytest.param(
            "log_buckets: [{bucket: b-1, account: 111122223333, region: eu-west-1, immutable: 1}]",
            "config.yaml:1:71: unknown key 'log_buckets[0].immutable'",
            id="a key that nothing reads",
        ),
        pytest.param(
            "workers: 1\nworkers: 2", "config.yaml:2:1: `workers` is written twice", id="twice"
        ),
        pytest.param(
            "retention: {assign: [{class: pci, account: 1, account: 2}]}",
            "config.yaml:1:47: `account` is written twice (first on line 1)",
            id="twice deep inside",
        ),
        pytest.param("workers:", "config.yaml:1:9: workers has no value", id="nothing said"),
        pytest.param("workers: '8'", "config.yaml:1:10: workers should be a whole", id="a text"),
        pytest.param("workers: true", "workers should be a whole number, not True", id="a boolean"),
        pytest.param("workers: 0", "workers should be greater than or equal to 1", id="too few"),
        pytest.param("workers: 1" + "0" * 5000, "workers should be a whole number", id="too long"),
        pytest.param("regions: eu-west-1", "regions should be all or a list", id="one region"),
        pytest.param("regions: []", "regions should be all or a list", id="no region"),
        pytest.param(
            "regions: [eu-west-1, europe]", "config.yaml:1:22: regions[1] is 'eu", id="region"
        ),
        pytest.param("targets: []", "targets should have at least 1 item", id="no target"),
        pytest.param("targets: x", "targets should be a list", id="targets a text"),
        pytest.param(
            "targets: [{regions: all}]", "config.yaml:1:11: targets[0] needs a role", id="no role"
        ),
        pytest.param(
            "targets: [{role: x}]", "targets[0].role should be the ARN of a role", id="no ARN"
        ),
        pytest.param(
            f"targets: [{{role: '{ROLE}'}}, {{role: '{ROLE}'}}]",
            f"targets[1] is {ROLE} a second time",
            id="a role twice",
        ),
        pytest.param(
            "targets: [current, current]", "targets[1] is current a second", id="current twice"
        ),
        pytest.param(
            "log_buckets: [{bucket: s3://b, account: 111122223333, region: eu-west-1}]",
            "log_buckets[0].bucket should be the name of a bucket, without s3://",
            id="an address for a bucket",
        ),
        pytest.param(
            "log_buckets: [{bucket: logs, account: 11112222333, region: eu-west-1}]",
            "log_buckets[0].account should be an account number of 12 digits",
            id="11 digits",
        ),
        pytest.param(
            "log_buckets: [{bucket: logs, region: eu-west-1}]",
            "config.yaml:1:15: log_buckets[0].account is missing",
            id="a key left out",
        ),
        pytest.param(
            "log_buckets: [{bucket: logs, region: eu-west-1}, {bucket: logs}]",
            "log_buckets[1] is logs a second time",
            id="a bucket twice",
        ),
        pytest.param(
            "params: {r: 5}", "params.r should be a mapping of keys", id="params a number"
        ),
        pytest.param("params: {r: {a: {b: c}}}", "params.r.a should be true or false", id="nested"),
        pytest.param(
            "params: {r: {a: [1]}}", "params.r.a should be true or false", id="numbers listed"
        ),
        pytest.param(
            "overrides: [{rule: r, params: {a: 1}}]", "overrides[0] names no account", id="no scope"
        ),
        pytest.param(
            "overrides: [{rule: r, params: {a: 1}, tag: prod}]",
            "overrides[0].tag should be written key=value",
            id="a tag without a value",
        ),
        pytest.param(
            "retention: {classes: {x: {min_days: 181, max_days: 180}}}",
            "retention.classes.x asks for min_days 181, more than max_days 180",
            id="more at least than at most",
        ),
        pytest.param(
            "retention: {classes: {x: {min_days: 0, max_days: 180}}}",
            "retention.classes.x.min_days should be greater than or equal to 1",
            id="no days",
        ),
        pytest.param(
            "retention: {classes: {pci: {min_days: 1, max_days: 2}}}",
            "retention.classes.pci is built in as pci (365 to 400 days)",
            id="another pci",
        ),
        pytest.param(
            "retention: {default: x}", "retention.default 'x' is no retention class", id="default"
        ),
        pytest.param(
            "retention: {assign: [{class: x, account: 111122223333}]}",
            "config.yaml:1:30: retention.assign[0].class 'x' is no retention class",
            id="a class that does not exist",
        ),
        pytest.param(
            "retention: {assign: [{class: pci}]}", "names no account, tag or", id="for whom"
        ),
        pytest.param(
            "call_timeouts: {read_second: 5}", "did you mean 'read_seconds'?", id="typo inside"
        ),
        pytest.param("call_timeouts: {read_seconds: 0}", "should be greater than 0", id="no time"),
        pytest.param("rules: own", "rules should be a list", id="a folder without a list"),
        pytest.param(
            "rules: [nowhere]", "rules[0] is no folder: ", id="a folder that is not there"
        ),
        pytest.param("waivers: no.yaml", "waivers is no file: ", id="a file that is not there"),
        pytest.param("[1]", "config.yaml:1:1: the document should be a mapping", id="a list"),
        pytest.param("words", "config.yaml:1:1: the document should be a mapping", id="a word"),
        pytest.param(
            "a: [", "config.yaml:1:5: the bracket opened on line 1 is not", id="a bracket left open"
        ),
        pytest.param("a:\n\t- b", "config.yaml:2:1: a tab cannot indent YAML", id="a tab"),
        pytest.param("a: b: c", "config.yaml:1:5: `: ` would start a value here", id="two colons"),
        pytest.param(
            "a: 1\n---\nb: 2", "config.yaml:2:1: one file holds one document", id="two documents"
        ),
        pytest.param("a: \x00", "config.yaml:1:4: the character U+0000", id="a control character"),
        pytest.param("[" * 5000, "nested deeper than 12 levels", id="nested without end"),
        pytest.param(
            "packs: &x [*x]",
            "config.yaml:1:12: YAML reads `*x` as an alias",
            id="an alias of itself",
        ),
        pytest.param(
            "packs: [*-audit]",
            "a text that starts with `!`, `&`, `*` or",
            id="a glob without quotes",
        ),
        pytest.param("? [a]\n: 1", "config.yaml:1:3: a key is one word", id="a list as a key"),
        pytest.param("workers: !!python/object:os.system 1", "as a tag", id="a Python tag"),
        pytest.param("packs: [" + "a," * 2_500_000, "longer than 4194304", id="a file too long"),
        pytest.param(
            "workers: 5 # ok\n1: 2", "config.yaml:2:1: unknown key '1'", id="a number as a key"
        ),
    ],
)
def test_a_problem_says_where_and_what(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(tmp_path, text)

    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("config.yaml:") for problem in found)
    assert not any("\n" in problem for problem in found)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param(
            {"TRAILKEEPER_WORKRES": "1"}, "TRAILKEEPER_WORKRES: no such setting", id="a typo"
        ),
        pytest.param(
            {"TRAILKEEPER_WORKERS": "many"},
            "TRAILKEEPER_WORKERS: workers should be a whole number, not 'many'",
            id="a wrong value",
        ),
        pytest.param(
            {"TRAILKEEPER_REGIONS": "["}, "TRAILKEEPER_REGIONS: the bracket opened", id="bad YAML"
        ),
        pytest.param(
            {"TRAILKEEPER_RETENTION__DEFAULT": "x"},
            "TRAILKEEPER_RETENTION__DEFAULT: retention.default 'x' is no retention class",
            id="inside",
        ),
        pytest.param(
            {"TRAILKEEPER_WORKERS__X": "1"},
            "TRAILKEEPER_WORKERS__X: workers has no keys to set one in",
            id="inside what has no inside",
        ),
        pytest.param(
            {"TRAILKEEPER_RETENTION__X": "1"},
            "TRAILKEEPER_RETENTION__X: unknown key 'retention.x'",
            id="an unknown key inside",
        ),
    ],
)
def test_a_problem_of_the_environment_names_the_variable(
    tmp_path: Path, environ: dict[str, str], expected: str
) -> None:
    (problem,) = problems(tmp_path, "workers: 4", **environ)

    assert problem.startswith(expected)


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
workers: many
workers: 3
regions: [x]
targets: [{role: x}, current, current]
retention: {default: nope, classes: {c: {min_days: 2, max_days: 1}}}
rules: [nowhere]
remediate: true
""",
        TRAILKEEPER_NO="1",
    )

    places = [problem.split(": ")[0] for problem in found]
    assert places == [
        "TRAILKEEPER_NO",
        *(
            f"config.yaml:{place}"
            for place in ("1:10", "2:1", "3:11", "4:18", "4:31", "5:22", "5:41", "6:9", "7:1")
        ),
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "cannot be read: No such file", id="not there"),
        pytest.param(Path.mkdir, "cannot be read: Is a directory", id="a folder"),
        pytest.param(
            lambda path: path.write_bytes(b"\xff\xfe\x00"),
            "1:1: byte 0xFF is not UTF-8",
            id="no UTF-8",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, make: Any, said: str) -> None:
    path = tmp_path / "config.yaml"
    make(path)

    with pytest.raises(ConfigProblems) as error:
        load_settings(path, {})

    assert [said in str(problem) for problem in error.value.problems] == [True]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("workers: !!int 5", id="a tag"),
        pytest.param("workers: &n 5", id="an anchor"),
        pytest.param("retention: {default: *n}", id="an alias"),
        pytest.param("workers:", id="nothing"),
    ],
)
def test_what_yaml_does_not_give_is_told_once(tmp_path: Path, text: str) -> None:
    """What was meant cannot be known: nothing is said of its value as well."""
    assert len(problems(tmp_path, text)) == 1


def test_a_problem_shows_its_line_and_a_caret(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblems) as error:
        load(tmp_path, "regions: [europe]\n")

    assert str(error.value).split("\n")[1:] == ["    regions: [europe]", "              ^"]


def test_a_sign_in_front_of_digits_is_kept(tmp_path: Path) -> None:
    settings = load(tmp_path, f"targets: [{{role: '{ROLE}', external_id: +123}}]")

    assert settings.targets[0].external_id == "+123"


def test_the_variable_for_one_key_stands_over_that_for_all(tmp_path: Path) -> None:
    """Whatever the order of their names."""
    settings = load(
        tmp_path,
        "",
        TRAILKEEPER_retention="{default: six-months}",
        TRAILKEEPER_RETENTION__DEFAULT="pci",
    )

    assert settings.retention.default == "pci"


def test_settings_cannot_be_edited() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(None, {}).workers = 3  # type: ignore[misc]


def test_reading_settings_does_not_load_boto3() -> None:
    code = "import agent.config, agent.waivers, sys; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
