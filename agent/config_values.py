"""The types of single values in the configuration, each with its message when it is wrong."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agent.yaml_file import several

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")


def shape(pattern: str, said: str) -> AfterValidator:
    """A text must match the whole pattern, or the message says what it should be."""

    def matching(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("shape", "should be {said}", {"said": said})
        return text

    return AfterValidator(matching)


def as_text(value: object) -> object:
    """Digits without quotes, such as an account: YAML reads a number, and loses none of them."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _regions(value: object) -> object:
    """`all`, or a list of region names."""
    if value == "all":
        return value
    if not isinstance(value, list | tuple) or not value:
        raise PydanticCustomError(
            "regions", "should be all or a list of regions such as [eu-west-1, us-east-1]"
        )
    several(
        ((index,), f"is {region!r}, not a region such as eu-west-1")
        for index, region in enumerate(value)
        if not (isinstance(region, str) and REGION.fullmatch(region))
    )
    return tuple(dict.fromkeys(value))


def _tag(value: object) -> object:
    """`key=value` as a pair."""
    if not isinstance(value, str) or not value.partition("=")[0] or "=" not in value:
        raise PydanticCustomError("tag", "should be written key=value")
    key, _, wanted = value.partition("=")
    return key, wanted


def _param(value: object) -> object:
    """What a parameter may be: true or false, a number, a text, a list of texts."""
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not listed and not isinstance(value, bool | int | float | str):
        raise PydanticCustomError(
            "param", "should be true or false, a number, a text or a list of texts"
        )
    return value


Text = Annotated[str, StringConstraints(min_length=1)]
Account = Annotated[
    str, BeforeValidator(as_text), shape("[0-9]{12}", "an account number of 12 digits")
]
RegionName = Annotated[str, shape(REGION.pattern, "a region such as eu-west-1")]
RoleArn = Annotated[
    str,
    shape(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+",
        "the ARN of a role such as arn:aws:iam::111122223333:role/trailkeeper",
    ),
]
ExternalId = Annotated[
    str,
    BeforeValidator(as_text),
    shape(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", "2 to 1224 letters, digits or any of _+=,.@:/-"),
]
BucketName = Annotated[
    str, shape(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", "the name of a bucket, without s3://")
]
Regions = Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_regions)]
Tag = Annotated[tuple[str, str], BeforeValidator(_tag)]
Param = Annotated[Any, BeforeValidator(_param)]
Params = Annotated[dict[str, Param], Field(min_length=1)]
Days = Annotated[int, Field(strict=True, ge=1, le=36_500)]
Seconds = Annotated[float, Field(strict=True, gt=0, le=86_400)]
Interval = Annotated[float, Field(strict=True, ge=1, le=86_400)]
HistoryDays = Annotated[int, Field(strict=True, ge=1, le=3_650)]


def _listen(value: object) -> object:
    """`host:port`, `[::1]:port` or `:port` (every address) as a pair; port 0 is any free one."""
    host, colon, port = str(value).rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not isinstance(value, str) or not colon or not port.isascii() or not port.isdigit():
        raise PydanticCustomError("listen", "should be host:port such as 127.0.0.1:9712")
    if int(port) > 65_535 or (":" in host and bare == host):
        raise PydanticCustomError(
            "listen", "should be host:port, port up to 65535, an IPv6 host in [brackets]"
        )
    return bare or "0.0.0.0", int(port)  # noqa: S104 - written as `:9712`, that is what it means


Listen = Annotated[tuple[str, int], BeforeValidator(_listen)]
StoreUrl = Annotated[
    str,
    shape(
        r"(sqlite:///.+|postgresql(\+psycopg)?://.+)",
        "sqlite:///FILE or postgresql://USER@HOST/DATABASE",
    ),
]
