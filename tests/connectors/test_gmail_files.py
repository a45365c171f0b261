"""Files in mail over real HTTP: every leaf that is not the mail's text, its name, and no character lost."""

import base64
import hashlib

import pytest
import responses

from app.connectors.api import Api
from app.connectors.gmail import CONNECTOR
from app.connectors.gmail.charsets import decode
from app.connectors.gmail.filenames import clean_filename
from app.connectors.gmail.headers import decoded
from app.sandbox.services.gmail.odd_files import CYRILLIC, PRICES, UMLAUTS
from tests.support.gmail import call, find, read

MESSAGE = "http://localhost/gmail/v1/users/me/messages/m1"


class Fixed:
    """A TokenSource with one token."""

    def bearer(self):
        return "t"


def api():
    return Api(CONNECTOR, "http://localhost", Fixed())


def part(kind, content=b"", *, part_id="0", filename="", parts=(), **headers):
    """A part as Gmail sends it. Header names are written with underscores."""
    return {
        "partId": part_id,
        "mimeType": kind,
        "filename": filename,
        "headers": [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()],
        "body": {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()},
        **({"parts": list(parts)} if parts else {}),
    }


def multipart(kind, *parts):
    return {
        "partId": "",
        "mimeType": f"multipart/{kind}",
        "filename": "",
        "body": {"size": 0},
        "parts": parts,
    }


def ask(verb, payload, **arguments):
    """What a tool answers about a message with that payload."""
    with responses.RequestsMock() as mocked:
        mocked.get(MESSAGE, json={"id": "m1", "threadId": "m1", "payload": payload})
        return call(api(), verb, message_id="m1", **arguments)


# --- every leaf that is not the text is a file ---


def test_a_pdf_without_a_name_is_found_listed_and_downloaded(mailbox):
    message = read(mailbox, "from:scanner")
    files = [(a["part_id"], a["filename"], a["mime_type"], a["inline"]) for a in message["attachments"]]
    assert files == [
        ("1", "attachment-1.pdf", "application/pdf", False),
        ("2", "attachment-2.ics", "text/calendar", False),
    ]
    assert call(mailbox, "list_attachments", message_id=message["id"])["items"] == message["attachments"]
    for which in ({"part_id": "1"}, {"filename": "attachment-1.pdf"}):
        pdf = call(mailbox, "download_attachment", message_id=message["id"], **which)
        assert base64.b64decode(pdf["content"]).startswith(b"%PDF")
    invoices = call(mailbox, "search_invoices", **{"from": "scanner"})["items"]
    assert [p["filename"] for p in invoices[0]["pdfs"]] == ["attachment-1.pdf"]


def test_a_mail_that_is_nothing_but_a_pdf_is_a_file():
    payload = part("application/pdf", b"%PDF-1.4", part_id="")
    assert [f["filename"] for f in ask("list_attachments", payload)["items"]] == ["attachment-0.pdf"]
    pdf = ask("download_attachment", payload, part_id="0")
    assert base64.b64decode(pdf["content"]) == b"%PDF-1.4"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("application/octet-stream", "attachment-1.bin"),
        ("image/jpeg", "attachment-1.jpg"),
        ("message/delivery-status", "attachment-1.txt"),
        ("text/csv", "attachment-1.csv"),
        ("application/x-pdf", "attachment-1.pdf"),
        ("application/x-nobody-knows", "attachment-1"),
    ],
)
def test_a_leaf_of_any_type_is_a_file_and_the_text_is_not(kind, name):
    text = multipart("alternative", part("text/plain", b"Hello"), part("text/html", b"<p>Hello</p>"))
    message = ask("get_message", multipart("mixed", text, part(kind, b"content", part_id="1")))
    assert message["body"] == "Hello"
    assert [f["filename"] for f in message["attachments"]] == [name]


@pytest.mark.parametrize(("kind", "name"), [("text/pdf", ""), ("text/plain", "INV.PDF")])
def test_a_pdf_that_is_labelled_a_text_comes_as_its_bytes(kind, name):
    content = b"%PDF-1.4 \xe2\xe3"
    pdf = ask("download_attachment", part(kind, content, filename=name), part_id="0")
    assert (pdf["encoding"], base64.b64decode(pdf["content"])) == ("base64", content)


def test_only_a_picture_in_the_text_is_called_inline():
    payload = multipart(
        "mixed",
        part("text/plain", b"Hi"),
        part("image/png", b"x", part_id="1", Content_ID="<logo>"),
        part("application/pdf", b"x", part_id="2", Content_Disposition="inline; filename=invoice.pdf"),
    )
    assert [f["inline"] for f in ask("list_attachments", payload)["items"]] == [True, False]


def test_pdfs_beyond_the_first_three_are_counted():
    payload = multipart("mixed", *(part("application/pdf", b"x", part_id=str(n)) for n in range(5)))
    with responses.RequestsMock() as mocked:
        mocked.get(MESSAGE.removesuffix("/m1"), json={"messages": [{"id": "m1"}]})
        mocked.get(MESSAGE, json={"id": "m1", "threadId": "m1", "payload": payload})
        [invoice] = call(api(), "search_invoices")["items"]
    assert (len(invoice["pdfs"]), invoice["pdfs_left_out"]) == (3, 2)


def test_a_text_that_is_cut_says_so():
    message = ask("get_message", part("text/html", b"<p>word</p>" * 40_000), body_offset=198_000)
    assert message["body"].endswith("[This mail is too long: its end is left out here.]")


# --- no character is lost ---


@pytest.mark.parametrize(
    ("name", "text", "charset"),
    [
        ("kunden.csv", UMLAUTS, "windows-1252"),
        ("clients.csv", CYRILLIC, "windows-1251"),
        ("wrong-label.csv", UMLAUTS, "windows-1252"),
        ("клиент.csv", CYRILLIC, "koi8-r"),
        ("preise.xml", PRICES, "windows-1252"),
    ],
)
def test_a_text_file_keeps_its_letters_and_its_bytes(mailbox, name, text, charset):
    id_ = find(mailbox, "from:tabellen")
    file = call(mailbox, "download_attachment", message_id=id_, filename=name)
    assert (file["encoding"], file["charset"], file["content"]) == ("text", charset, text)
    raw = call(mailbox, "download_attachment", message_id=id_, filename=name, as_base64=True)
    data = base64.b64decode(raw["content"])
    assert raw["encoding"] == "base64" and data == text.encode(charset) == file["content"].encode(charset)
    assert file["sha256"] == raw["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("text", "charset", "declared"),
    [
        ("Café Müller; 12 €", "cp1252", ""),
        ("Café Müller; 12 €", "cp1252", "us-ascii"),
        ("Café Müller; 12 €", "cp1252", "utf-8"),
        ("Café Müller; 12 €", "cp1252", "iso-8859-1"),
        ("Café Müller; 12 €", "cp1252", "no-such-charset"),
        ("Café Müller; 12 €", "utf-8", "iso-8859-1"),
        ("Café Müller; 12 €", "utf-8-sig", ""),
        ("Café Müller; 12 €", "utf-16", ""),
        ("Café Müller; 12 €", "utf-16-le", "utf-16le"),
        ("¿Qué? ¡Sí! 50 £, n° 3, 20 m³", "cp1252", ""),
        ("ÅSA;ÖSTERGÅRD;SMÖRGÅSBORD", "cp1252", ""),
        ("Счёт № 12 от ООО «Ромашка»", "cp1251", ""),
        ("Счёт № 12 от ООО «Ромашка»", "cp1251", "iso-8859-1"),
        ("Рахунок; їжак; гривня", "cp1251", ""),
        ("Счёт 12", "koi8-r", "koi8-r"),
        ("Faktura złożona: 12 zł", "cp1250", ""),
        ("Číslo účtu", "cp1250", "windows-1250"),
        ("Příjmení;Částka;Žluťoučký;Škoda", "cp1250", ""),
        ("město", "cp1250", "us-ascii"),
        ("Kowalski;100 zł", "cp1250", ""),
        ("ひらがな", "iso-2022-jp", "iso-2022-jp"),
        ("①請求書", "cp932", "windows-31j"),
        ("請求書", "cp932", "x-sjis"),
        ("中文", "gb18030", "x-gbk"),
        ("Però così: où, coût, m³", "cp1252", ""),
        ("①カタカナ", "cp932", "Shift_JIS"),
        ("中文發票", "gb18030", "gb2312"),
        ("한국어 똠", "cp949", "euc-kr"),
        ('<?xml version="1.0" encoding="ISO-8859-5"?><a>Счёт</a>', "iso-8859-5", ""),
        ('<html><head><meta charset="windows-1250"></head>Řízek', "cp1250", ""),
    ],
)
def test_the_charset_is_found(text, charset, declared):
    assert decode(text.encode(charset), declared)[0] == text


@pytest.mark.parametrize("declared", ["", "utf-8", "iso-8859-1", "us-ascii"])
@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("顧客名;金額\n株式会社山田;1200円", "cp932"),
        ("請求書をお送りします。①", "cp932"),
        ("請求書をお送りします", "euc_jp"),
        ("고객명;금액\n홍길동;1200원", "cp949"),
        ("客户名称;金额\n北京公司;100元", "gb18030"),
        ("您好，請查收附件中的發票", "big5"),
        ("Πελάτης;Ποσό\nΠαπαδόπουλος;100", "cp1253"),
        ("ΠΕΛΑΤΗΣ;ΠΟΣΟ", "cp1253"),
        ("לקוח;סכום\nכהן;100", "cp1255"),
        ("Клиент;Сумма\nИванов;100", "koi8-r"),
        ("Клиент;Сумма\nИванов;100", "cp1251"),
        ("Ügyfél;Összeg\nKőszegi Győző;100", "cp1250"),
        ("Fizetendő összeg", "cp1250"),
        ("Preţ;Sumă\nŞtefan", "cp1250"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Müşteri;Tutar\nYılmaz Işık;100", "cp1254"),
        ("São Paulo; Ações; milhões", "cp1252"),
        ("Það er íslenska; þú ert góður", "cp1252"),
        ("Tõnu Õunapuu; sõõrik; täna", "cp1252"),
        ("It’s “fine” – don’t worry", "cp1252"),
        ("£5 – £10", "cp1252"),
    ],
)
def test_the_charset_of_a_text_without_a_right_label_is_guessed_from_its_letters(text, charset, declared):
    assert decode(text.encode(charset), declared)[0] == text


@pytest.mark.parametrize(
    ("data", "declared", "is_guess"),
    [
        ("Größe".encode("cp1252"), "", True),
        ("請求書をお送りします".encode("cp932"), "utf-8", True),
        ("Größe".encode("cp1252"), "iso-8859-1", False),
        ("Größe".encode(), "", False),
        ("請求書をお送りします".encode("cp932"), "shift_jis", False),
        (b"plain", "", False),
    ],
)
def test_a_guessed_charset_is_said_to_be_one(data, declared, is_guess):
    kind = f"text/plain; charset={declared}" if declared else "text/plain"
    for verb, arguments, file in (
        ("download_attachment", {"part_id": "0"}, {"filename": "a.txt"}),
        ("get_message", {}, {}),
        ("get_thread", {}, {}),
    ):
        payload = part("text/plain", data, Content_Type=kind, **file)
        message = {"id": "m1", "threadId": "m1", "payload": payload}
        with responses.RequestsMock() as mocked:
            if verb == "get_thread":
                mocked.get(MESSAGE.replace("messages", "threads"), json={"messages": [message]})
                arguments = {"thread_id": "m1"}
            else:
                mocked.get(MESSAGE, json=message)
                arguments = {"message_id": "m1", **arguments}
            there = api()
            call(there, verb, **arguments)
        assert ("unknown, read as" in there.note and "as_base64" in there.note) == is_guess, verb


def test_the_bytes_of_the_mails_own_text_can_be_downloaded():
    data = "Größe".encode("cp1252")
    payload = multipart("mixed", part("text/plain", data, part_id="0"), part("application/pdf", part_id="1"))
    raw = ask("download_attachment", payload, part_id="0", as_base64=True)
    assert base64.b64decode(raw["content"]) == data
    assert [f["part_id"] for f in ask("list_attachments", payload)["items"]] == ["1"]


@pytest.mark.parametrize("declared", ["iso-2022-jp", "ISO-2022-JP", "us-ascii", ""])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$B-!@A5a=q\x1b(B No. 1", "①請求書 No. 1"),
        (b"\x1b$B-j\x1b(J 100", "㈱ 100"),
        (b"\x1b$@F|K\\\x1b(B\r\n\x1b(I1\x1b(B", "日本\r\nｱ"),
        (b"\x1b$BF|K\\\nend", "日本\nend"),
        (b"\x1b$B~~F|\x1b(B", "〓日"),
    ],
)
def test_japanese_mail_is_read_without_its_escape_sequences(data, text, declared):
    assert decode(data, declared)[0] == text


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be"), ("utf-16", "utf-16-le"), ("utf-16", "utf-16-be")],
)
def test_a_wide_text_without_a_mark_is_a_text_where_its_label_says_so(declared, charset):
    text = "Name;Größe\nMüller;12"
    table = part(
        "text/csv", text.encode(charset), filename="a.csv", Content_Type=f"text/csv; charset={declared}"
    )
    file = ask("download_attachment", table, part_id="0")
    assert (file["encoding"], file["content"], file["charset"]) == ("text", text, charset)


def test_a_pdf_without_a_name_and_a_type_is_a_pdf():
    payload = multipart("mixed", part("application/octet-stream", b"%PDF-1.4 x", part_id="1"))
    assert [f["filename"] for f in ask("list_attachments", payload)["items"]] == ["attachment-1.pdf"]
    with responses.RequestsMock() as mocked:
        mocked.get(MESSAGE.removesuffix("/m1"), json={"messages": [{"id": "m1"}]})
        mocked.get(MESSAGE, json={"id": "m1", "threadId": "m1", "payload": payload})
        [invoice] = call(api(), "search_invoices")["items"]
    assert [pdf["filename"] for pdf in invoice["pdfs"]] == ["attachment-1.pdf"]


def test_a_pdf_without_a_name_and_a_type_that_gmail_sends_apart_is_a_pdf():
    unnamed = part("application/octet-stream", part_id="1")
    unnamed["body"] = {"size": 10, "attachmentId": "A1"}
    payload = multipart("mixed", part("text/plain", b"Hi", part_id="0"), unnamed)
    content = {"data": base64.urlsafe_b64encode(b"%PDF-1.4 \xff\xfe\xfb").decode()}
    for verb in ("list_attachments", "get_message", "download_attachment"):
        with responses.RequestsMock() as mocked:
            mocked.get(MESSAGE, json={"id": "m1", "threadId": "m1", "payload": payload})
            mocked.get(MESSAGE + "/attachments/A1", json=content)
            which = {"filename": "attachment-1.pdf"} if verb == "download_attachment" else {}
            answer = call(api(), verb, message_id="m1", **which)
        assert "attachment-1.pdf" in str(answer)
    assert base64.b64decode(answer["content"]) == b"%PDF-1.4 \xff\xfe\xfb"


def test_what_is_very_deep_in_a_message_is_listed():
    payload = multipart(
        "mixed", part("application/pdf", b"x", part_id="1"), part("text/plain", b"deep", part_id="2")
    )
    for _ in range(60):
        payload = multipart("mixed", payload)
    assert [f["part_id"] for f in ask("list_attachments", payload)["items"]] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "charset", "declared"),
    [
        ("Grüße aus Łódź, 日本", "utf-8", "utf-8"),
        ("Счёт № 12", "utf-8", ""),
        ("請求書をお送りします", "cp932", "shift_jis"),
    ],
)
def test_a_broken_byte_spoils_no_other_letter(text, charset, declared):
    assert decode(text.encode(charset) + b"\x85", declared)[0] == text + "…"
    assert decode(text.encode(charset)[:-1], declared)[0].startswith(text[:-1])


def test_a_text_with_a_broken_byte_says_that_it_is_not_the_bytes():
    text_file = part("text/csv", "Grüße;日本".encode() + b"\xff", filename="a.csv")
    with responses.RequestsMock() as mocked:
        mocked.get(MESSAGE, json={"id": "m1", "threadId": "m1", "payload": text_file})
        there = api()
        file = call(there, "download_attachment", message_id="m1", part_id="0")
    assert file["content"] == "Grüße;日本ÿ" and "as_base64" in there.note


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("windows-31j?B?h0CQv4uBj5E=", "①請求書"),
        ("Shift_JIS?B?h0CQv4uBj5E=", "①請求書"),
        ("iso-8859-1?Q?10_=80", "10 €"),
        ("iso-2022-jp?B?GyRCLSFAQTVhPXEbKEI=", "①請求書"),
    ],
)
def test_encoded_words_are_read_in_the_charset_that_programs_mean(word, text):
    assert decoded(f"=?{word}?=") == text


@pytest.mark.parametrize(
    "declared", ["", "utf-8", "us-ascii", "utf-16", "shift_jis", "gb2312", "rot13", "hex"]
)
def test_no_byte_ever_becomes_a_question_mark(declared):
    for data in (
        bytes(range(1, 256)),
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf\xff",
        b"\x81",
        b"+\xff~{",
        b"\x1b$B\xff",
    ):
        assert "\ufffd" not in decode(data, declared)[0]


def test_bytes_that_are_no_text_come_as_base64_whatever_their_label_says():
    payload = part("text/plain", b"\x00\x01\x02PK", filename="x.txt")
    file = ask("download_attachment", payload, part_id="0")
    assert file["encoding"] == "base64" and base64.b64decode(file["content"]) == b"\x00\x01\x02PK"


def test_pieces_of_a_text_join_to_the_bytes_of_its_checksum():
    text = "Zeile mit Ümlaut\r\n" * 4_000
    payload = part("text/csv", text.encode("cp1252"), filename="x.csv")
    whole, offset = "", 0
    while offset is not None:
        piece = ask("download_attachment", payload, part_id="0", offset=offset, length=10_000)
        whole, offset = whole + piece["content"], piece["next_offset"]
    assert hashlib.sha256(whole.encode(piece["charset"])).hexdigest() == piece["sha256"]


# --- names ---


def test_names_are_read_in_every_form(mailbox):
    names = [a["filename"] for a in read(mailbox, "from:mailer")["attachments"]]
    assert names == ["Elküld.pdf", "Rechnung März.pdf", "Reçu n° 12.pdf"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("iso-8859-1''Elk%FCld.pdf", "Elküld.pdf"),
        ("UTF-8'de'Rechnung%20M%C3%A4rz.pdf", "Rechnung März.pdf"),
        ("=?utf-8?Q?M=C3?= =?utf-8?Q?=A4rz.pdf?=", "März.pdf"),
        ("=?iso-8859-1?Q?M=E4rz?=.pdf", "März.pdf"),
        ("=?utf-8*de?Q?M=C3=A4rz?=.pdf", "März.pdf"),
        ("=?utf-8?B?TcOkcno?=.pdf", "März.pdf"),
        ("=?utf-8?Q?a?= =?iso-8859-1?Q?=E4?=.pdf", "aä.pdf"),
        ("=?nonsense?Q?x?=.pdf", "=?nonsense?Q?x?=.pdf"),
        ("O'Neill's 100% done.pdf", "O'Neill's 100% done.pdf"),
    ],
)
def test_encoded_names_are_decoded(written, name):
    assert decoded(written) == name


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=iso-8859-1''Elk%FCld.pdf", "Elküld.pdf"),
        ("attachment; filename=plain.pdf; filename*=utf-8''M%C3%A4rz.pdf", "März.pdf"),
        ("attachment; filename*0=long; filename*1=-name.pdf", "long-name.pdf"),
        ('attachment; filename="a; b.pdf"', "a; b.pdf"),
        ("attachment", "attachment-0.pdf"),
    ],
)
def test_a_name_that_gmail_did_not_read_is_read_from_the_header(disposition, name):
    assert clean_filename(part("application/pdf", Content_Disposition=disposition)) == name


# --- texts that Gmail sends apart ---


def test_a_conversation_shows_texts_that_gmail_sends_apart(mailbox):
    found = call(mailbox, "search_messages", query="from:legal")["items"][0]
    thread = call(mailbox, "get_thread", thread_id=found["thread_id"])
    assert thread["messages"][0]["body"].startswith("1. The parties agree on clause 1")
    assert thread["messages"][0]["body_length"] > 60_000
