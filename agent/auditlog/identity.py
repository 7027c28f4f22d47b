"""Who a user name of a log stands for: the name without its prefix, and the kind of identity."""

from __future__ import annotations

LOCAL = "local"
IAM = "IAM"
IAMR = "IAMR"
FEDERATED = "federated"

_PREFIXES = (("IAM:", IAM), ("IAMR:", IAMR))


def identity_of(name: str) -> tuple[str, str]:
    """The name without `IAM:` or `IAMR:`, and local, IAM, IAMR or federated.

    Redshift writes a user of temporary credentials as `IAM:name`, one mapped from an IAM role as
    `IAMR:name`, and one of IAM Identity Center as `namespace:name`, which stays whole: any other
    name with text on both sides of a colon is taken for federated. A prefix alone is a name.
    """
    for prefix, kind in _PREFIXES:
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :], kind
    before, colon, after = name.partition(":")
    return name, FEDERATED if colon and before and after else LOCAL
