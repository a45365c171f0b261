"""What changed between two definitions, as the person who decides about it reads it."""

from app.federation.definition_texts import visible
from app.federation.differences import between, compare


def marked(pieces):
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in pieces)


def test_words_that_changed_are_marked_where_they_stand():
    before, after = "List the notes of a person.", "List all notes of a company."
    assert marked(compare(before, after)) == "List [-the -][+all +]notes of a [-person-][+company+]."


def test_every_text_of_a_definition_is_compared():
    before = {
        "name": "list",
        "description": "List notes.",
        "inputSchema": {"type": "object", "properties": {"state": {"type": "string", "enum": ["open"]}}},
        "annotations": {"readOnlyHint": True},
    }
    after = {
        "name": "list",
        "title": "List",
        "description": "List notes.",
        "inputSchema": {
            "type": "object",
            "properties": {"state": {"type": "string", "enum": ["open", "shut"], "description": "Which."}},
        },
        "annotations": {"readOnlyHint": False},
    }
    found = {each.place: marked(each.pieces) for each in between(before, after)}
    assert found == {
        "Title": "[+List+]",
        "Arguments › state › choices": "open[+, shut+]",
        "Arguments › state › description": "[+Which.+]",
        "Hints › only reads (readOnlyHint)": "[-yes-][+no+]",
    }
    assert between(before, before) == ()


def test_hidden_characters_are_written_out():
    hidden = "Add a note.\u200b\U000e0041 Really\u202e"
    assert visible(hidden) == "Add a note.⟨U+200B⟩⟨U+E0041⟩ Really⟨U+202E⟩"
    [change] = between({"description": "Add a note."}, {"description": hidden})
    assert marked(change.pieces) == "Add a note.[+⟨U+200B⟩⟨U+E0041⟩ Really⟨U+202E⟩+]"
    assert visible("Größe\n日本語 – “ok”") == "Größe\n日本語 – “ok”"


def test_a_letter_that_is_drawn_as_nothing_is_written_out():
    assert visible("ad\u3164d\u2800\uffa0") == "ad⟨U+3164⟩d⟨U+2800⟩⟨U+FFA0⟩"


def test_texts_that_have_nothing_in_common_are_replaced_as_a_whole():
    before, after = " ".join(f"a{n}" for n in range(3_000)), " ".join(f"b{n}" for n in range(3_000))
    assert [piece.kind for piece in compare(before, after)] == ["removed", "added"]
    # what they share at both ends is still named as such
    pieces = compare(f"Start {before} end", f"Start {after} end")
    assert [piece.kind for piece in pieces] == ["same", "removed", "added", "same"]


def test_a_definition_that_is_deep_or_large_ends_somewhere():
    schema = {"type": "object"}
    for _ in range(200):
        schema = {"properties": {"more": schema}}
    assert between({}, {"inputSchema": schema})
    many = {"properties": {f"p{n}": {"description": "x"} for n in range(5_000)}}
    assert len(between({}, {"inputSchema": many})) <= 501
    other = {"properties": {**many["properties"], "p4999": {"description": "poison"}}}
    [change] = between({"inputSchema": many}, {"inputSchema": other})
    assert "poison" in "".join(piece.text for piece in change.pieces if piece.kind == "added")
