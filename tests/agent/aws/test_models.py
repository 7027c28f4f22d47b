"""What is left out of botocore's data is documentation, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, create_loader

from agent.aws import clients
from agent.aws.clients import Clients
from agent.aws.models import TerseModels
from agent.aws.settings import AwsSettings


def without_documentation(value: Any) -> Any:
    """The same, by walking over what botocore itself loads."""
    match value:
        case dict():
            return {
                name: ""
                if name == "documentation" and isinstance(one, str)
                else without_documentation(one)
                for name, one in value.items()
            }
        case list():
            return [without_documentation(one) for one in value]
        case _:
            return value


@pytest.mark.parametrize("service", ["redshift", "redshift-serverless", "s3", "iam", "sts"])
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_a_model_is_botocores_own_but_for_documentation(service: str, kind: str) -> None:
    own, terse = create_loader(), create_loader()
    terse.file_loader = TerseModels()

    found = terse.load_service_model(service, kind)

    whole = own.load_service_model(service, kind)
    assert found == without_documentation(whole)
    assert json.dumps(found) == json.dumps(without_documentation(whole)), "order is kept too"


@pytest.mark.parametrize("what", ["endpoints", "partitions", "sdk-default-configuration"])
def test_what_is_no_model_is_all_there(what: str) -> None:
    terse = create_loader()
    terse.file_loader = TerseModels()
    assert terse.load_data(what) == without_documentation(create_loader().load_data(what))


def test_a_member_that_is_named_documentation_stays(tmp_path: Path) -> None:
    members = {"documentation": {"shape": "Text", "documentation": "What it says."}}
    (tmp_path / "model.json").write_text(json.dumps({"members": members}))
    found = TerseModels().load_file(str(tmp_path / "model"))
    assert found == {"members": {"documentation": {"shape": "Text", "documentation": ""}}}


def test_a_file_that_is_not_there_is_none_as_with_botocore(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert TerseModels().load_file(missing) is JSONFileLoader().load_file(missing) is None


def test_the_doors_clients_are_made_from_them(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not the loader that tests share: what another test loaded through it, it remembers.
    monkeypatch.setattr(clients, "create_loader", create_loader)
    session = Clients(AwsSettings(), frozenset()).session(None)
    model = session.get_component("data_loader").load_service_model("sts", "service-2")
    assert model["documentation"] == ""
    assert model["operations"]["AssumeRole"]["documentation"] == ""
