"""Sealed values open only where they were sealed, whole and unchanged. Everything else is an error."""

import base64

import pytest

from app.crypto import KeyRing, digest, new_id, new_token
from app.errors import ConfigError, Undecipherable

PLACE = {"workspace": "wsp_a", "record": "con_1", "field": "credentials.access_token_sealed"}


def key(first=0):
    return bytes((first + n) % 256 for n in range(32))


@pytest.fixture
def ring():
    return KeyRing({"k1": key()})


def test_a_sealed_value_opens_where_it_was_sealed(ring):
    for secret in ("token", "", "ключ ✓", "x" * 100_000):
        assert ring.open(ring.seal(secret, **PLACE), **PLACE) == secret


def test_sealing_twice_never_gives_the_same(ring):
    assert len({ring.seal("token", **PLACE) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("part", PLACE)
def test_a_value_moved_elsewhere_does_not_open(ring, part):
    with pytest.raises(Undecipherable):
        ring.open(ring.seal("token", **PLACE), **{**PLACE, part: "other"})


def test_places_that_join_to_the_same_text_are_different(ring):
    sealed = ring.seal("token", workspace="ab", record="c", field="d")
    with pytest.raises(Undecipherable):
        ring.open(sealed, workspace="a", record="bc", field="d")


def test_any_changed_character_is_noticed(ring):
    sealed = ring.seal("a-token-of-some-length", **PLACE)
    for at in range(len(sealed)):
        for other in "A", "b", "-", "=", ":":
            changed = sealed[:at] + other + sealed[at + 1 :]
            if changed != sealed:
                with pytest.raises(Undecipherable):
                    ring.open(changed, **PLACE)


def test_spare_bits_of_the_last_character_count(ring):
    for secret in ("a", "ab", "abc"):
        sealed = ring.seal(secret, **PLACE)
        body = sealed.rstrip("=")
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            changed = body[:-1] + other + sealed[len(body) :]
            if changed != sealed:
                with pytest.raises(Undecipherable):
                    ring.open(changed, **PLACE)


def test_a_cut_value_does_not_open(ring):
    sealed = ring.seal("token", **PLACE)
    for end in range(len(sealed)):
        with pytest.raises(Undecipherable):
            ring.open(sealed[:end], **PLACE)


NEVER_SEALED = [
    "",
    "token",
    ":",
    "::",
    "v1:k1:",
    "v1:k1:AAAA",
    "v2:k1:AAAA",
    "v1:k9:AAAA",
    "v1:k1:é",
    "v1:k1:A A=",
    "v1::AAAA",
    "\x00",
]


@pytest.mark.parametrize("text", NEVER_SEALED)
def test_what_was_never_sealed_is_never_served(ring, text):
    with pytest.raises(Undecipherable) as caught:
        ring.open(text, **PLACE)
    assert text == "" or text not in caught.value.message


def test_a_wrong_key_of_the_same_name_does_not_open(ring):
    with pytest.raises(Undecipherable):
        KeyRing({"k1": key(1)}).open(ring.seal("token", **PLACE), **PLACE)


def test_a_value_relabelled_to_another_key_does_not_open():
    ring = KeyRing({"k1": key(), "k2": key()})  # even if the two keys were the same
    with pytest.raises(Undecipherable):
        ring.open(ring.seal("token", **PLACE).replace("v1:k1:", "v1:k2:"), **PLACE)


def test_the_first_key_seals_and_all_open(ring):
    both = KeyRing({"k2": key(5), "k1": key()})
    old, new = ring.seal("token", **PLACE), both.seal("token", **PLACE)
    assert both.open(old, **PLACE) == both.open(new, **PLACE) == "token"
    assert (KeyRing.key_id_of(old), KeyRing.key_id_of(new)) == ("k1", "k2")


def test_an_error_tells_nothing_of_what_was_sealed(ring):
    sealed = ring.seal("canary", **PLACE)
    with pytest.raises(Undecipherable) as caught:
        ring.open(sealed[:-4] + "AAA=", **PLACE)
    assert caught.value.__cause__ is None
    assert sealed not in repr(caught.value)


def test_a_key_ring_does_not_print_its_keys(ring):
    assert base64.b64encode(key()).decode() not in repr(ring) + str(vars(ring))


GOOD = base64.b64encode(bytes(range(7, 39))).decode()


def encoded(raw):
    return base64.b64encode(raw).decode()


UNSAFE = [
    "",
    ",",
    "k1",
    "k1:",
    f":{GOOD}",
    f"k 1:{GOOD}",
    "k1:not base64",
    f"k1:{GOOD}AAAA",
    f"k1:{GOOD},k1:{GOOD}",
]


@pytest.mark.parametrize(
    "text", [*UNSAFE, *(f"k1:{encoded(raw)}" for raw in (bytes(32), b"a" * 32, key()[:31]))]
)
def test_a_ring_that_protects_nothing_is_refused_by_name(text):
    with pytest.raises(ConfigError, match="VAULT_KEYS") as caught:
        KeyRing.parse(text)
    assert GOOD not in caught.value.message


def test_a_ring_reads_several_keys_in_order():
    ring = KeyRing.parse(f"new:{GOOD}, old:{base64.b64encode(key()).decode()},")
    assert (ring.ids, ring.sealing_id) == (["new", "old"], "new")


def test_ids_and_tokens_do_not_repeat_and_digests_are_sha256():
    assert len({new_id("con") for _ in range(2000)} | {new_token("pba_") for _ in range(2000)}) == 4000
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
