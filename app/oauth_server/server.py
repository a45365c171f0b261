"""The authorization server: what is supported, one line each. Start reading here."""

from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer as _AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidRequestError, JsonRequest, OAuth2Error
from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue

from app.config import Settings
from app.oauth_server import attempt_log, client_authentication, rfc6749_client, tokens
from app.oauth_server.rfc6749_code import AuthorizationCodeGrant
from app.oauth_server.rfc6749_refresh import RefreshTokenGrant
from app.oauth_server.rfc6749_request import JsonBody, OAuthRequest, refuse_repeats
from app.oauth_server.rfc7009_revocation import RevocationEndpoint
from app.oauth_server.rfc7591_registration import ClientRegistrationEndpoint
from app.oauth_server.rfc7636_pkce import CodeChallenge
from app.oauth_server.rfc7662_introspection import IntrospectionEndpoint
from app.oauth_server.rfc8707_resource import ResourceIndicators

# RFC 6749 section 5.2 makes error_description optional and Authlib omits it in places; our responses always
# carry one.
_SENTENCES = {
    "invalid_request": "The request lacks a parameter, repeats one, or holds a value that cannot be used.",
    "invalid_client": "The client is not known, or it did not prove that it is the one it names.",
    "invalid_grant": "The code or token is invalid, expired or revoked, or was issued to another client.",
    "unauthorized_client": "The client may not use this grant type.",
    "unsupported_grant_type": "Supported grant types are those the metadata of this server names.",
    "unsupported_token_type": "Tokens of this type cannot be revoked here.",
    "invalid_scope": "The scope is unknown, malformed, or exceeds what was granted.",
}


class AuthorizationServer(_AuthorizationServer):  # type: ignore[misc]
    """Authlib's server, stricter where OAuth 2.1 is."""

    def create_oauth2_request(self, _request: Any = None) -> OAuthRequest:
        """The current request. The old `/refresh` address implies its grant type."""
        implied = "refresh_token" if request.environ.get("patchbay.alias") == "/refresh" else None
        return OAuthRequest(request, default_grant_type=implied)

    def create_json_request(self, _request: Any = None) -> JsonRequest:
        """The current request's body as JSON; a body that is not JSON has no metadata."""
        oauth_request = JsonRequest(request.method, request.url, request.headers)
        oauth_request.payload = JsonBody(request.get_data())
        return oauth_request

    def query_client(self, client_id: str) -> rfc6749_client.KnownClient | None:
        """The client. Only the authorization endpoint (the one GET) may fetch its metadata document."""
        key = f"oauth_client:{client_id}"
        if key not in g:
            setattr(g, key, rfc6749_client.find(client_id, fetch=request.method in {"GET", "HEAD"}))
        found: rfc6749_client.KnownClient | None = g.get(key)
        return found

    def get_authorization_grant(self, oauth_request: OAuthRequest) -> AuthorizationCodeGrant:
        """The code grant for every response type; it refuses others once it knows where errors may go."""
        grant = AuthorizationCodeGrant(oauth_request, self)
        for extension in _CODE_EXTENSIONS:
            extension(grant)  # type: ignore[operator]
        return grant

    def authenticate_client(
        self, oauth_request: OAuthRequest, methods: list[str], endpoint: str = "token"
    ) -> rfc6749_client.KnownClient:
        """RFC 6749 section 2.3, the same at every endpoint."""
        return client_authentication.authenticate(oauth_request, self.query_client, methods)

    def create_token_response(self, _request: Any = None) -> ResponseReturnValue:
        """RFC 6749 section 3.2, after the checks Authlib leaves out."""
        oauth_request = self.create_oauth2_request()
        try:
            refuse_repeats(oauth_request)
            if not oauth_request.payload.grant_type:
                raise InvalidRequestError("The parameter grant_type is missing.")
        except OAuth2Error as error:
            return self.handle_error_response(oauth_request, error)
        answer: ResponseReturnValue = super().create_token_response()
        return answer

    def create_endpoint_response(self, name: str, _request: Any = None) -> ResponseReturnValue:
        """RFC 7009 and 7662, after the checks Authlib leaves out."""
        oauth_request = self.create_oauth2_request()
        try:
            refuse_repeats(oauth_request)
        except OAuth2Error as error:
            return self.handle_error_response(oauth_request, error)
        answer: ResponseReturnValue = super().create_endpoint_response(name)
        return answer

    def handle_error_response(self, oauth_request: Any, error: OAuth2Error) -> ResponseReturnValue:
        """RFC 6749 section 5.2, with a sentence. Logs the refusal for /debug-oauth."""
        error.description = error.description or _SENTENCES.get(
            error.error, "The request could not be answered."
        )
        attempt_log.note_refusal(
            request.path,
            getattr(oauth_request.payload, "client_id", None)
            if isinstance(oauth_request, OAuthRequest)
            else None,
            error,
        )
        answer: ResponseReturnValue = super().handle_error_response(oauth_request, error)
        return answer


_CODE_EXTENSIONS = [CodeChallenge(required=True), ResourceIndicators()]


def install(app: Flask, settings: Settings) -> None:
    """Creates the application's authorization server and registers everything it supports."""
    app.extensions["authorization_steps"] = attempt_log.Budgets()
    authorization = AuthorizationServer(app)
    authorization.register_token_generator("default", tokens.generator(settings))
    authorization.register_grant(AuthorizationCodeGrant, _CODE_EXTENSIONS)
    # app.identity_exchange adds token exchange (RFC 8693) if it is configured
    authorization.register_grant(RefreshTokenGrant)
    authorization.register_endpoint(ClientRegistrationEndpoint)
    authorization.register_endpoint(RevocationEndpoint)
    authorization.register_endpoint(IntrospectionEndpoint)
    app.extensions["oauth_server"] = authorization


def current() -> AuthorizationServer:
    """The authorization server of the current application."""
    authorization: AuthorizationServer = current_app.extensions["oauth_server"]
    return authorization
