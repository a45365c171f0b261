"""The health page says when SECRET_KEY was changed without its fallback."""

from app import audit, config, database
from app.activity import sealing
from app.admin import trail_check
from app.factory import create_app
from tests.conftest import both_databases

OTHER = "another-secret-key-9876543210-zyxwvutsrq"


@both_databases
def test_a_changed_secret_key_is_named_until_the_old_one_is_a_fallback(
    app, people, settings, environ, database_kind
):
    assert trail_check.check(settings).tone == "good", "nothing is signed yet"
    with database.transaction() as db:
        audit.record(db, "person.signed_in", user_id=people.alice.id)
    changed = config.load({**environ, "SECRET_KEY": OTHER})
    for linked in (False, True):
        if linked:
            create_app(settings)
            sealing.seal()
        create_app(changed)
        found = trail_check.check(changed)
        assert found.tone == "bad" and "SECRET_KEY_FALLBACKS" in found.advice
    right = config.load({**environ, "SECRET_KEY": OTHER, "SECRET_KEY_FALLBACKS": environ["SECRET_KEY"]})
    create_app(right)
    assert trail_check.check(right).tone == "good"
