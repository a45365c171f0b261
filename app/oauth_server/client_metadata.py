"""Validates client metadata, for registration (RFC 7591 section 2) and metadata documents alike."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from app.oauth_server import redirects

_NAME_LENGTH = 80
GRANT_TYPES = ("authorization_code", "refresh_token")
AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")


class InvalidMetadata(ValueError):
    """The metadata cannot be used; `field` names the faulty field and the message says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def _web_address(value: Any) -> Any:
    if value in (None, ""):
        return None
    if not redirects.is_acceptable(value) or not value.startswith(("https://", "http://")):
        raise ValueError("must be an https address")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


Short = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Long = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_printable)]
WebAddress = Annotated[str | None, BeforeValidator(_web_address)]


class ClientMetadata(BaseModel):
    """The fields we read. Others, privileged ones included, are ignored as RFC 7591 section 2 allows."""

    model_config = ConfigDict(extra="ignore", strict=True)

    redirect_uris: Annotated[list[str], Field(min_length=1, max_length=20)]
    client_name: str = Field(default="", max_length=1000)
    token_endpoint_auth_method: Literal["none", "client_secret_basic", "client_secret_post"] = (
        "client_secret_basic"
    )
    grant_types: Annotated[list[Short], Field(max_length=20)] = list(GRANT_TYPES)
    response_types: Annotated[list[Short], Field(max_length=20)] = ["code"]
    scope: Long | None = None
    client_uri: WebAddress = None
    logo_uri: WebAddress = None
    tos_uri: WebAddress = None
    policy_uri: WebAddress = None
    jwks_uri: WebAddress = None
    contacts: Annotated[list[Short], Field(max_length=10)] | None = None
    application_type: Literal["web", "native"] | None = None
    software_id: Short | None = None
    software_version: Short | None = None

    @field_validator("redirect_uris")
    @classmethod
    def _acceptable(cls, uris: list[str]) -> list[str]:
        if not all(redirects.is_acceptable(uri) for uri in uris):
            raise ValueError("must be https, http on localhost, or an app's own scheme, without fragment")
        return list(dict.fromkeys(uris))

    @field_validator("grant_types")
    @classmethod
    def _with_code(cls, types: list[str]) -> list[str]:
        if "authorization_code" not in types:
            raise ValueError("must include authorization_code")
        # Refresh tokens are always issued: clients that forget to ask for them expect them anyway.
        return list(GRANT_TYPES)

    @field_validator("response_types")
    @classmethod
    def _only_code(cls, types: list[str]) -> list[str]:
        if types and "code" not in types:
            raise ValueError("must include code")
        return ["code"]

    @model_validator(mode="after")
    def _named(self) -> "ClientMetadata":
        self.client_name = readable(self.client_name) or redirects.host_of(self.redirect_uris[0])
        return self

    def details(self) -> dict[str, Any]:
        """The fields the client sent, as stored and as answered."""
        return self.model_dump(exclude_none=True)


def read(given: Any) -> ClientMetadata:
    """The checked metadata. Raises InvalidMetadata for the first field that cannot be used."""
    if not isinstance(given, dict):
        raise InvalidMetadata("", "The client metadata must be a JSON object.")
    try:
        return ClientMetadata.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidMetadata(field, f"{field}: {reason}.") from None


def readable(name: str) -> str:
    """A name fit for a page: one line, without control, direction or other invisible characters."""
    visible = "".join(
        c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", name)
    )
    return " ".join(visible.split())[:_NAME_LENGTH].strip()
