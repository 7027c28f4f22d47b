"""The same AWS calls made by bare boto3: what a recorded sweep would cost without Trailkeeper.

Reads the calls that the endpoint recorded, makes each once, on as many threads, with clients and
parsers as boto3 has them. Imports and the making of clients are not counted. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import StructureShape

SET_BY_BOTO3 = {"EncodingType"}
"""Sent by boto3 of its own accord; decoded only if the caller did not name it."""


def clients(services: set[str], threads: int) -> dict[str, BaseClient]:
    """One client per service. A pool as large as the threads favours the baseline."""
    session = boto3.Session()
    config = Config(max_pool_connections=threads)
    made = {service: session.client(service, config=config) for service in services}
    if "s3control" in made:
        made["s3control"].meta.events.register("before-sign.s3-control", _without_account)
    return made


def _without_account(request: AWSRequest, **_: Any) -> None:
    """S3 Control's endpoint rules put the account before the host, which an IP address is not."""
    scheme, _, rest = request.url.partition("://")
    request.url = f"{scheme}://{rest.partition('.')[2]}"


def prepared(client: BaseClient, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded strings as the types that boto3 demands.

    Members of lists in the query protocols (`TagKeys.TagKey.1`) are left out.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {
        name: _typed(members[name].type_name, value)
        for name, value in params.items()
        if name in members and name not in SET_BY_BOTO3
    }


def _typed(kind: str, value: Any) -> Any:
    match kind:
        case "integer" | "long":
            return int(value)
        case "boolean":
            return value in ("true", True)
        case _:
            return value


def replay(calls: list[dict[str, Any]], threads: int) -> dict[str, float]:
    """CPU and wall seconds of all calls, the process's own threads together.

    `errors` are answers with an error (a known absence is one), `skipped` the calls that the
    endpoint could not name.
    """
    jobs = _jobs(calls, clients({call["service"] for call in calls}, threads))
    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        errors = sum(pool.map(_refused, *zip(*jobs, strict=True)))
    return {
        "calls": len(jobs),
        "errors": errors,
        "skipped": len(calls) - len(jobs),
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
    }


def _jobs(
    calls: list[dict[str, Any]], made: Mapping[str, BaseClient]
) -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    """The client's method and its parameters, for each call that names an operation."""
    methods = {
        (service, operation): getattr(client, method)
        for service, client in made.items()
        for method, operation in client.meta.method_to_api_mapping.items()
    }
    return [
        (methods[name], prepared(made[name[0]], name[1], call["params"]))
        for call in calls
        if (name := (call["service"], call["operation"])) in methods
    ]


def _refused(method: Callable[..., Any], params: Mapping[str, Any]) -> bool:
    """Make the call; whether AWS answered with an error."""
    try:
        method(**params)
    except ClientError:
        return True
    return False


def read_calls(path: Path) -> Iterator[dict[str, Any]]:
    """The calls in a record of the endpoint: JSON lines."""
    with path.open() as lines:
        yield from (json.loads(line) for line in lines)


def main() -> None:
    """Replay a record against the endpoint named in AWS_ENDPOINT_URL."""
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("record", type=Path)
    parser.add_argument("--threads", type=int, default=32)
    options = parser.parse_args()
    if "AWS_ENDPOINT_URL" not in os.environ:
        parser.error("set AWS_ENDPOINT_URL to the endpoint's address")
    print(json.dumps(replay(list(read_calls(options.record)), options.threads)))


if __name__ == "__main__":
    main()
