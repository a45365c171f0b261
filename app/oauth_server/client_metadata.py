"""Validates client metadata, for registration (RFC 7591 section 2) and metadata documents alike."""

import unicodedata
from typing import Annotated, Any

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

from app import jwks
from app.oauth_server import redirects, scopes

_NAME_LENGTH = 80
GRANT_TYPES = ("authorization_code", "refresh_token")
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
SIGNED = "private_key_jwt"
AUTH_METHODS = ("none", *SECRET_METHODS, SIGNED)
# What may sign an assertion (RFC 7518 section 3.1, RFC 8037): never `none`, never a shared secret (RFC 8725).
SIGNING_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *("Ed25519", "EdDSA"),
)
_APPLICATION_TYPES = ("web", "native")


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


def _https_address(value: Any) -> Any:
    if _web_address(value) and not value.startswith("https://"):
        raise ValueError("must be an https address")
    return value or None


HttpsAddress = Annotated[str | None, BeforeValidator(_https_address)]


class ClientMetadata(BaseModel):
    """The fields we read. Others, privileged ones included, are ignored as RFC 7591 section 2 allows.

    A value we do not know is replaced by one we do, and the response says so (section 3.2.1), since a client
    that can do more than we ask for is no worse for it. A value of the wrong type or shape is an error.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    redirect_uris: Annotated[list[str], Field(min_length=1, max_length=20)]
    client_name: str = Field(default="", max_length=1000)
    token_endpoint_auth_method: Short | None = None
    # OpenID Connect Relying Party Metadata Choices: the methods a client is able to use
    token_endpoint_auth_methods_supported: Annotated[list[Short], Field(max_length=20)] | None = None
    token_endpoint_auth_signing_alg: Short | None = None
    grant_types: Annotated[list[Short], Field(max_length=20)] = list(GRANT_TYPES)
    response_types: Annotated[list[Short], Field(max_length=20)] = ["code"]
    scope: Long | None = None
    client_uri: WebAddress = None
    logo_uri: WebAddress = None
    tos_uri: WebAddress = None
    policy_uri: WebAddress = None
    jwks_uri: HttpsAddress = None
    jwks: dict[str, Any] | None = None
    contacts: Annotated[list[Short], Field(max_length=10)] | None = None
    application_type: Short | None = None
    software_id: Short | None = None
    software_version: Short | None = None

    @field_validator("redirect_uris")
    @classmethod
    def _acceptable(cls, uris: list[str]) -> list[str]:
        if not all(redirects.is_acceptable(uri) for uri in uris):
            raise ValueError(
                "must be https, http on localhost, or an app's own scheme such as com.example.app:/done, "
                "without fragment"
            )
        return list(dict.fromkeys(uris))

    @field_validator("grant_types")
    @classmethod
    def _both(cls, _types: list[str]) -> list[str]:
        # Refresh tokens are always issued: clients that forget to ask for them expect them anyway.
        return list(GRANT_TYPES)

    @field_validator("response_types")
    @classmethod
    def _only_code(cls, _types: list[str]) -> list[str]:
        return ["code"]

    @field_validator("scope")
    @classmethod
    def _known_scope(cls, scope: str | None) -> str | None:
        return scopes.join(scopes.known(scope)) or None

    @field_validator("application_type")
    @classmethod
    def _known_type(cls, kind: str | None) -> str | None:
        return kind if kind in _APPLICATION_TYPES else None

    @field_validator("token_endpoint_auth_signing_alg")
    @classmethod
    def _known_algorithm(cls, algorithm: str | None) -> str | None:
        return algorithm if algorithm in SIGNING_ALGORITHMS else None

    @field_validator("jwks")
    @classmethod
    def _public_keys(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if jwks.holds_private_key(given):
            raise ValueError("must hold public keys only; make a new key, since a private part was sent")
        keys = [key.as_dict(private=False) for key in jwks.read(given)] if given and "keys" in given else []
        return {"keys": keys} if keys else None

    @model_validator(mode="after")
    def _named(self) -> "ClientMetadata":
        self.client_name = readable(self.client_name) or redirects.host_of(self.redirect_uris[0])
        return self

    @property
    def methods(self) -> tuple[str, ...]:
        """The authentication methods the client names that work here, the preferred one first."""
        named = [self.token_endpoint_auth_method, *(self.token_endpoint_auth_methods_supported or ())]
        return tuple(
            dict.fromkeys(
                name
                for name in named
                if name in AUTH_METHODS and (name != SIGNED or self.jwks_uri or self.jwks)
            )
        )

    def details(self) -> dict[str, Any]:
        """The fields the client sent, as stored and as answered."""
        return self.model_dump(exclude_none=True)


def read(given: Any) -> ClientMetadata:
    """The checked metadata. Raises InvalidMetadata for the first field that cannot be used."""
    if not isinstance(given, dict):
        raise InvalidMetadata("", "The client metadata must be a JSON object.")
    try:
        # A null is a field left out: some libraries write every field they know.
        return ClientMetadata.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidMetadata(field, f"{field}: {reason}.") from None


def for_registration(given: Any) -> ClientMetadata:
    """The checked metadata of a registration, with one authentication method: one that the client names, or
    a secret, the default of RFC 7591 section 2. Raises InvalidMetadata.
    """
    metadata = read(given)
    metadata.token_endpoint_auth_method = next(iter(metadata.methods), SECRET_METHODS[0])
    metadata.token_endpoint_auth_methods_supported = None
    return metadata


def readable(name: str) -> str:
    """A name fit for a page: one line, without control, direction or other invisible characters."""
    visible = "".join(
        c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", name)
    )
    return " ".join(visible.split())[:_NAME_LENGTH].strip()
