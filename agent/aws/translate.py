"""botocore's many exceptions become the one of ours, with a verdict on trying again."""

from __future__ import annotations

from http import HTTPStatus

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from agent.aws import errors
from agent.aws.errors import Failure, Retry
from agent.aws.hands import action_of
from controls.model import AwsError

BotoErrors = (
    boto.BotoCoreError,
    boto.ClientError,
    ResponseParserError,
    # What botocore's parsers let through when an answer is well-formed but not AWS's.
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""Everything that one botocore call may raise."""

_UNREACHABLE = (
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.SSLError,
    boto.ProxyConnectionError,
)
_CUT_OFF = (boto.ConnectionClosedError, boto.ResponseStreamingError, boto.IncompleteReadError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.UnauthorizedSSOTokenError,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
    boto.MetadataRetrievalError,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownCredentialError,
    boto.InfiniteLoopConfigError,
)
_NO_REGION = (boto.NoRegionError, boto.InvalidRegionError, boto.UnknownRegionError)
_MEANINGS = (
    (boto.ReadTimeoutError, errors.TIMEOUT, Retry.TRANSIENT),
    (_UNREACHABLE, errors.UNREACHABLE, Retry.BRIEFLY),
    (_CUT_OFF, errors.UNREACHABLE, Retry.TRANSIENT),
    (_NO_CREDENTIALS, errors.NO_CREDENTIALS, Retry.NEVER),
    (_NO_REGION, errors.NO_REGION, Retry.NEVER),
    (boto.ParamValidationError, errors.INVALID_CALL, Retry.NEVER),
    (boto.ValidationError, errors.INVALID_CALL, Retry.NEVER),
    (boto.HTTPClientError, errors.UNREACHABLE, Retry.BRIEFLY),
)
"""The first that fits: botocore's classes overlap."""


class NotFromAwsError(ValueError):
    """The answer is not AWS's: a proxy's page, or a body without anything in it."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class NotUnderstoodError(ValueError):
    """The answer is AWS's and says more than botocore's model can hold: no retry helps."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


def failure(raised: Exception, operation: str, account: str, region: str) -> Failure:
    """The failure that this exception of botocore means for `service:Operation`."""
    service, _, name = operation.partition(":")
    match raised:
        case boto.ClientError():
            return _client_error(raised, operation, account, region)
        case NotFromAwsError(status=status):
            retry = errors.retry_of("", status, name)
            retry = Retry.BRIEFLY if retry is Retry.NEVER and status < 400 else retry
            denied = errors.is_denial("", status, service)
            code, message = errors.UNPARSEABLE, str(raised)
        case NotUnderstoodError(status=status):
            code, retry, message, denied = errors.UNPARSEABLE, Retry.NEVER, str(raised), False
        case _:
            code, retry, message = _named(raised)
            status, denied = 0, False
    error = AwsError(
        code,
        message,
        action=action_of(operation),
        status=status,
        denied=denied,
        account=account,
        region=region,
    )
    return Failure(error, retry)


def _client_error(raised: boto.ClientError, operation: str, account: str, region: str) -> Failure:
    service, _, name = operation.partition(":")
    said = raised.response.get("Error", {})
    status = int(raised.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(said.get("Code") or "Unknown")
    # SignatureDoesNotMatch goes on with what was signed, the session token among it.
    message = str(said.get("Message") or "").partition("The Canonical String")[0].rstrip()
    if code.isdigit() and status >= 500:
        # botocore's stand-in for a body that is empty or a page of HTML.
        message = f"HTTP {status} {_phrase(status)} without an AWS error in it"
        code = errors.UNPARSEABLE
    if code in errors.BADLY_SIGNED:
        message = f"{message.rstrip('.')}: a key is wrong, or this machine's clock is"
    if code in errors.EXPIRED:
        message = (
            f"{message.rstrip('.')}: the credentials have expired or were deleted, "
            "or the region is not enabled for this account"
        )
    error = AwsError(
        code,
        message,
        action=action_of(operation),
        status=status,
        denied=errors.is_denial(code, status, service),
        account=account,
        region=region,
    )
    return Failure(error, errors.retry_of(code, status, name))


def _named(raised: Exception) -> tuple[str, Retry, str]:
    """Code, retry and message of an exception that is no answer of AWS's."""
    for kinds, code, retry in _MEANINGS:
        if isinstance(raised, kinds):
            return code, retry, " ".join(str(raised).split())
    if isinstance(raised, boto.BotoCoreError):
        return type(raised).__name__, Retry.NEVER, str(raised)
    text = " ".join(str(raised).split())[:300]
    return errors.UNPARSEABLE, Retry.BRIEFLY, f"the answer could not be read: {text}"


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
