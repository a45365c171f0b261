"""GET: the company, one record, queries."""

import calendar

from flask import Blueprint, Response, jsonify, request

from app.sandbox.services.quickbooks.language import parse
from app.sandbox.services.quickbooks.records import ENTITIES, everything, with_balances
from app.sandbox.services.quickbooks.request_checks import AuthorizedCall, company_only
from app.sandbox.services.quickbooks.wire import envelope, missing, not_found, refusal, stamp

bp = Blueprint("reading", __name__)

_MONTHS = calendar.month_name[1:]


@bp.get("/.well-known/openid_configuration")
def discovery() -> Response:
    """Intuit's OpenID discovery document, with this host's addresses."""
    base = request.base_url.removesuffix("/.well-known/openid_configuration")
    return jsonify(
        issuer="https://oauth.platform.intuit.com/op/v1",
        authorization_endpoint=f"{base}/connect/oauth2",
        token_endpoint=f"{base}/oauth2/v1/tokens/bearer",
        revocation_endpoint=f"{base}/v2/oauth2/tokens/revoke",
        userinfo_endpoint=f"{base}/v1/openid_connect/userinfo",
        jwks_uri=f"{base}/op/v1/jwks",
        response_types_supported=["code"],
        scopes_supported=["openid", "email", "profile", "address", "phone"],
        token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"],
    )


@bp.get("/v3/company/<realm>/companyinfo/<id_>")
@company_only
def company_info(call: AuthorizedCall, id_: str) -> Response:
    """The company's settings."""
    own = call.company
    if id_ not in {own.realm, "1"}:
        return not_found()
    record = {
        "CompanyName": own.name,
        "LegalName": own.legal_name,
        "CompanyAddr": {
            "Id": "1",
            "Line1": "123 Sierra Way",
            "City": own.city,
            "PostalCode": "87999",
            "CountrySubDivisionCode": own.state,
        },
        "Email": {"Address": call.at.service.company(own.key).person},
        "WebAddr": {},
        "SupportedLanguages": "en",
        "Country": own.country,
        "FiscalYearStartMonth": _MONTHS[own.fiscal_year_start - 1],
        "NameValue": [{"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}],
        "domain": "QBO",
        "sparse": False,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": {"CreateTime": "2026-01-05T14:13:13-08:00", "LastUpdatedTime": stamp(call.at.now())},
    }
    return envelope(CompanyInfo=record)


@bp.get("/v3/company/<realm>/preferences")
@company_only
def preferences(call: AuthorizedCall) -> Response:
    """The company's accounting settings."""
    own = call.company
    home = {"value": own.currency, "name": own.currency_name}
    record = {
        "SalesFormsPrefs": {"CustomTxnNumbers": False, "AllowDiscount": True},
        "CurrencyPrefs": {"MultiCurrencyEnabled": own.several_currencies, "HomeCurrency": home},
        "ReportPrefs": {"ReportBasis": "Accrual"},
        "Id": "1",
        "SyncToken": "3",
    }
    return envelope(Preferences=record)


@bp.route("/v3/company/<realm>/query", methods=["GET", "POST"])
@company_only
def query(call: AuthorizedCall) -> Response:
    """Run a statement of the query language, from the address or, as `application/text`, from the body."""
    statement = request.args.get("query", "")
    if request.method == "POST":
        if request.mimetype != "application/text":
            detail = "Content-Type must be application/text"
            raise refusal("2010", "Request has invalid or unsupported property", detail)
        statement = request.get_data(as_text=True)
    if not statement.strip():
        raise missing("query")
    statement_query = parse(statement)
    kind = statement_query.entity.lower()
    found = statement_query.of(everything(kind, call.book))
    if statement_query.counts:
        return envelope(QueryResponse={"totalCount": len(found)})
    page = found[statement_query.start - 1 :][: statement_query.most]
    if not page:
        return envelope(QueryResponse={})
    return envelope(
        QueryResponse={
            statement_query.entity: page,
            "startPosition": statement_query.start,
            "maxResults": len(page),
        }
    )


@bp.get(f"/v3/company/<realm>/<any({', '.join(ENTITIES)}):kind>/<id_>")
@company_only
def one(call: AuthorizedCall, kind: str, id_: str) -> Response:
    """One record."""
    record = call.book.find(kind, id_)
    return envelope(**{ENTITIES[kind]: with_balances(kind, call.book, record)}) if record else not_found()
