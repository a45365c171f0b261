"""Every route as everybody: anonymous, member, admin, owner, another workspace's owner, operator.

A new route fails here until the table below lists it under those who may use it. Records of somebody else are
in test_strangers.py; bearer tokens and their scopes are in mcp_server and oauth_server.
"""

import re
from datetime import timedelta

import pytest

from app import clock, database
from app.accounts.models import User
from app.oauth_server.models import Grant
from app.workspaces.models import Membership
from tests.support.routes import STATIC, every_route

ANYBODY, SIGNING_IN, PERSON, MEMBER, MANAGER, OWNER, OWNER_OR_OPERATOR, OPERATOR, BEARER, CLIENT = (
    *(
        "anybody",
        "whoever began to sign in",
        "whoever is signed in",
        "a member of a workspace",
        "an owner or admin",
        "an owner",
    ),
    *("an owner or operator", "an operator", "the holder of a token", "an AI client"),
)
GUARDS = {
    SIGNING_IN: "look for the cookie of the step before, and begin anew without it",
    PERSON: "read flask_login.current_user and send others to ask_to_sign_in()",
    MEMBER: "put @member above the view",
    MANAGER: "put @member above the view and check member.manages in the verb",
    OWNER: "put @member above the view and check the role in the verb",
    OWNER_OR_OPERATOR: "read current_user and current_member(), and check the role",
    OPERATOR: "put @operator above the view (app/admin/guard.py)",
    BEARER: "ask for a bearer token, whatever cookie comes with it",
    CLIENT: "let Authlib authenticate the client",
}
_PAGES = {
    ANYBODY: """
        accounts.home accounts.show_login accounts.sign_in accounts.email_code accounts.logout
        accounts.mailbox federation.client_document
        google.leave google.come_back workspaces.show_register workspaces.register account_settings.deleted
        invitations.show invitations.register invitations.show_register invitations.other_account
        invitations.resume invitations.accept
        notifications.confirm notifications.unsubscribe
        health.health health.ready health.metrics look.brand look.favicon look.favicon_ico
        mcp.sse
        pages.docs pages.document pages.privacy pages.terms pages.security_txt
        oauth.authorization_server_metadata oauth.protected_resource_metadata
        oauth.protected_resource_metadata_with_slash
        oauth.register oauth.token oauth_pages.authorize
        onboarding.register onboarding.confirm tokens.token
    """,
    SIGNING_IN: """
        google.confirm google.show_confirm workspaces.register_google workspaces.show_register_google
        workspaces.confirm workspaces.show_confirm workspaces.send_again
    """,
    PERSON: """
        account_settings.show account_settings.create_workspace account_settings.delete_account
        sign_in_settings.change_email
        sign_in_settings.show_email_code sign_in_settings.confirm_email
        account_settings.set_time_zone account_settings.choose_notifications
        account_settings.download sign_in_settings.unlink_google account_settings.rename
        sign_in_settings.change_password sign_in_settings.remove_login sign_in_settings.allow_login
        sign_in_settings.sign_out_one sign_in_settings.sign_out_everywhere
    """,
    MEMBER: """
        workspaces.switch oauth_pages.submit
        hub.show hub.connect hub.callback hub.disconnect hub.fill_in hub.label hub.permission hub.test
        hub.visibility hub.another_method hub.dismiss
        connection_pages.show connection_pages.test connection_pages.switch_tools
        connection_pages.approve_on_page connection_pages.try_tool connection_pages.run_tool
        hub_aliases.callback hub_aliases.card
        hub.cancel hub.complete hub.link hub.use_link hub.live hub.skip hub.state
        memory.save memory.show memory.edit memory.show_note memory.delete memory.share
        clients.show clients.revoke clients.attempts clients.live clients.make_token
        clients.client clients.save_selection clients.price
        approvals.show approvals.show_one approvals.approve approvals.reject approvals.count approvals.live
        activity.show activity.export_csv activity.export_json_lines
        usage.show usage.export_calls usage.show_limits usage.export_table
        team.show team.ask_leave team.leave
        federation.show
    """,
    MANAGER: """
        team.invite team.resend team.withdraw team.ask_remove team.remove team.change_role
        account_settings.change_workspace activity.verify
        webhooks.show webhooks.create webhooks.show_one webhooks.change webhooks.rotate webhooks.set_enabled
        webhooks.delete webhooks.test webhooks.resend webhooks.show_log
        federation_adding.show federation_adding.add federation.allow federation.turn_off
        federation.accept_reading federation.rename federation.remove federation.replace_client
    """,
    OWNER: "team.ask_hand_over team.hand_over account_settings.delete_workspace",
    OWNER_OR_OPERATOR: "oauth_pages.debug",
    OPERATOR: """
        admin.home admin.show_ai_clients admin.set_blocked admin.show_people admin.set_operator admin.sign_out
        admin.set_disabled
        admin.show_workspaces admin.set_limits admin.set_active
        admin_installation.show_audit admin_installation.show_connectors admin_installation.save_connector
        admin_installation.show_health admin_installation.send_test_mail
        admin_installation.show_usage admin_installation.export_usage
        admin_installation.make_key admin_installation.show_keys admin_installation.revoke_key
    """,
    BEARER: "mcp.mcp oauth_direct.status onboarding.activate tokens.refresh",
    CLIENT: "oauth.revoke oauth_direct.introspect",
}
MAY = {endpoint: audience for audience, endpoints in _PAGES.items() for endpoint in endpoints.split()}
# Asked last, since they end what the others need.
ENDS = (
    *("account_settings.delete_workspace", "team.change_role", "team.remove", "team.hand_over", "team.leave"),
    *(
        "admin.set_disabled",
        "admin.set_operator",
        "admin.set_active",
        "account_settings.delete_account",
        "accounts.logout",
    ),
)
# What a form may hold, so that a refusal is not for want of a field.
FIELDS = {
    "email": "new@example.com",
    "role": "member",
    "workspace_name": "Northwind",
    "name": "Somebody",
    "timezone": "UTC",
    "scope": "tools:read",
    "days": "7",
    "decision": "cancel",
}
INSIDE = {
    "anonymous": {ANYBODY},
    "member": {ANYBODY, PERSON, MEMBER},
    "admin": {ANYBODY, PERSON, MEMBER, MANAGER},
    "owner": {ANYBODY, PERSON, MEMBER, MANAGER, OWNER, OWNER_OR_OPERATOR},
    "another workspace's owner": {ANYBODY, PERSON, MEMBER, MANAGER, OWNER, OWNER_OR_OPERATOR},
    "operator": {ANYBODY, PERSON, OWNER_OR_OPERATOR, OPERATOR},
}


@pytest.fixture
def environ(environ):
    """Everything that has pages is enabled."""
    return {
        **environ,
        "GOOGLE_SIGN_IN_CLIENT_ID": "hub.apps.googleusercontent.com",
        "GOOGLE_SIGN_IN_CLIENT_SECRET": "secret",
    }


@pytest.fixture
def erin(people):
    """An admin of Northwind."""
    at = clock.now()
    person = User(id="usr_erin", email="erin@example.com", name="Erin", created_at=at)
    with database.transaction() as db:
        db.add(person)
        db.flush()
        db.add(Membership(workspace_id=people.northwind.id, user_id=person.id, role="admin", created_at=at))
    return person


@pytest.fixture
def an_api_key(people):
    """Made by dana."""
    at = clock.now()
    made = {
        "id": "grt_key",
        "kind": "api_key",
        "client_name": "key",
        "scope": "tools:read",
        "resource": "x",
        "created_at": at,
    }
    with database.transaction() as db:
        db.add(
            Grant(
                user_id=people.dana.id,
                workspace_id=people.northwind.id,
                expires_at=at + timedelta(days=1),
                **made,
            )
        )


def routes_of(app):
    """Every route except files; those that end something come last."""
    routes = [route for route in every_route(app) if route.endpoint != STATIC]
    return sorted(routes, key=lambda route: ENDS.index(route.endpoint) if route.endpoint in ENDS else -1)


def test_every_route_says_who_may_use_it(app):
    known = {route.endpoint for route in routes_of(app)}
    missing = sorted(known - set(MAY))
    assert not missing, (
        f"Add to the table in {__name__}, in the line of those who may use it: {', '.join(missing)}"
    )
    assert not sorted(set(MAY) - known), "Take out of the table what is no route any more"


@pytest.mark.parametrize("who", INSIDE)
@pytest.mark.usefixtures("an_api_key")
def test_a_route_lets_in_whom_it_should(app, people, erin, sign_in, visitor, who):
    person = {
        "member": people.bob,
        "admin": erin,
        "owner": people.alice,
        "another workspace's owner": people.charlie,
        "operator": people.dana,
    }.get(who)
    faults = []
    for route in routes_of(app):
        browser = sign_in(person) if person else visitor
        if not person:
            browser.get("/login")
        answer = _send(browser, route, people)
        answer.get_data()  # a download that is not read to its end goes on into the next request
        let_in = not _is_refused(answer, route, who)
        should = MAY[route.endpoint] in INSIDE[who]
        if MAY[route.endpoint] == SIGNING_IN:  # nobody here has begun
            assert answer.status_code >= 300, f"{route}: {GUARDS[SIGNING_IN]}"
            continue
        if let_in and not should:
            faults.append(
                f"{route} let in {who} ({answer.status_code}): it is for {MAY[route.endpoint]}. Guard: "
                f"{GUARDS[MAY[route.endpoint]]}"
            )
        elif should and not let_in:
            faults.append(
                f"{route} turned away {who} ({answer.status_code} {answer.headers.get('Location', '')}): "
                f"it is for {MAY[route.endpoint]}"
            )
    assert not faults, "\n".join(faults)


def _send(browser, route, people):
    """Send the request with ids that exist, so that a 404 comes from the guard."""
    ids = {
        "slug": "freshbooks",
        "user_id": people.bob.id,
        "workspace_id": people.contoso.id,
        "token": "x" * 43,
        "grant_id": "grt_key",
    }
    path = route.path(ids | {"user_id": "usr_erin"} if "hand-over" in route.rule else ids)
    if route.method == "GET":
        return browser.get(path)
    if route.method == "DELETE" or path.startswith(("/api/", "/mcp")):
        return browser.client.open(path, method=route.method, json={})
    return browser.submit(path, FIELDS)


def _is_refused(answer, route, who):
    """Redirected to sign in, or to the account page for lack of a workspace, or refused. For operators' pages
    that is a 404.
    """
    where = answer.headers.get("Location", "")
    if answer.status_code == 303 and re.match(r"/login\b", where):
        return route.rule not in {"/logout", "/login/code"} and not (
            route.endpoint == "sign_in_settings.sign_out_everywhere" and who != "anonymous"
        )
    if answer.status_code == 303 and where == "/account":
        return route.method == "GET" and MAY[route.endpoint] != PERSON
    if answer.status_code == 404:
        return route.rule.startswith("/admin")
    return answer.status_code in {401, 403}
