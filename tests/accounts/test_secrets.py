"""Codes, passwords and cookies appear in no log line, on no other page, and in no database row."""

import logging
import re

from sqlalchemy import text

from app import database
from tests.accounts.steps import GOOD_PASSWORD, try_password
from tests.support.visitor import Visitor


def test_a_full_journey_leaves_no_secret_behind(app, visitor, register, code_for, caplog):
    caplog.set_level(logging.DEBUG)
    register(visitor, "zoe@example.com")
    codes = [code_for("zoe@example.com")]
    secrets = [
        GOOD_PASSWORD,
        visitor.client.get_cookie("session").value,
        visitor.client.get_cookie("holder").value,
    ]
    visitor.get("/account")
    pages = visitor.page
    visitor.submit("/logout")
    other = Visitor(app)
    try_password(other, "zoe@example.com", GOOD_PASSWORD + "x")
    pages += other.page
    other.follow(other.submit("/login/code", {"email": "zoe@example.com"}))
    codes.append(code_for("zoe@example.com"))
    other.submit("/confirm", {"code": f"{(int(codes[-1]) + 1) % 1_000_000:06d}"})
    pages += other.page
    with database.reading() as db:
        tables = (
            "users",
            "login_sessions",
            "mailed_codes",
            "budgets",
            "audit_entries",
            "workspaces",
            "memberships",
        )
        rows = "".join(str(row) for table in tables for row in db.execute(text(f"SELECT * FROM {table}")))
    # A developer's machine without a mail server prints its mail to the log, codes and all; nothing else may
    # name them.
    logged = "".join(record.getMessage() for record in caplog.records if record.name != "app.mail")
    assert "zoe@example.com" in rows and "mail to" in caplog.text, "the search looks at something"
    for secret in secrets:
        assert secret not in rows and secret not in logged and secret not in pages
    for text_ in (rows, logged, pages):  # six digits are in some fraction of a second, or in some random id
        assert not set(codes) & set(re.findall(r"(?<![\w.:-])\d{6}(?![\w.:-])", text_))
