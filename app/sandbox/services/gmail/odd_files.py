"""Files as real programs attach them: without a name, without or with a wrong charset, with names in every
form that RFC 2047 and RFC 2231 allow.
"""

import base64
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from app.sandbox.services.gmail.pdf import one_page

Part = tuple[str, str, bytes]  # Content-Type, Content-Disposition, content

UMLAUTS = "Kunde;Betrag\r\nMüller & Söhne;1.250,00 €\r\nGroß–Handel;99,90 €\r\n"
CYRILLIC = "Клиент;Сумма\r\nООО Ромашка;1 250,00\r\nИП Ёлкин;99,90\r\n"
PRICES = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<preise für="Schläuche">12,50</preise>\n'
_ENTRY = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Besichtigung\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
_CLIENTS = "utf-8''%D0%BA%D0%BB%D0%B8%D0%B5%D0%BD%D1%82.csv"  # клиент.csv


def all_of(owner: str) -> Iterator[tuple[EmailMessage, list[str]]]:
    """The mails and their labels."""
    pdf = one_page("Invoice 93", ["Scan Station", "Total: 93.00 USD"])
    yield (
        _mail(
            "Scan Station <scanner@copyshop.example>",
            owner,
            "Your scanned invoice",
            ("application/pdf", "", pdf),  # many scanners send neither a name nor a disposition
            ("text/calendar; charset=utf-8; method=REQUEST", "", _ENTRY.encode()),
        ),
        ["INBOX", "UNREAD"],
    )
    western, cyrillic = UMLAUTS.encode("cp1252"), CYRILLIC.encode("cp1251")
    yield (
        _mail(
            "Excel <export@tabellen.example>",
            owner,
            "Exports",
            ("text/csv", "attachment; filename=kunden.csv", western),
            ("application/octet-stream", "attachment; filename=clients.csv", cyrillic),
            ("text/csv; charset=utf-8", "attachment; filename=wrong-label.csv", western),
            (
                f"text/csv; charset=koi8-r;\r\n name*={_CLIENTS}",
                f"attachment;\r\n filename*={_CLIENTS}",
                CYRILLIC.encode("koi8-r"),
            ),
            ("application/xml", "attachment; filename=preise.xml", PRICES.encode("iso-8859-1")),
        ),
        ["INBOX"],
    )
    yield (
        _mail(
            "Old Mailer <mailer@names.example>",
            owner,
            "Names of files",
            ("application/pdf", "attachment; filename=\"iso-8859-1''Elk%FCld.pdf\"", pdf),
            (
                "application/pdf",
                "attachment;\r\n filename*0*=UTF-8''Rechnung%20;\r\n filename*1*=M%C3%A4rz;\r\n"
                " filename*2=.pdf",
                pdf,
            ),
            (
                'application/pdf; name="=?utf-8?B?UmXDp3U=?=\r\n =?utf-8?B?IG7CsCAxMi5wZGY=?="',
                "attachment",
                pdf,
            ),
        ),
        ["INBOX"],
    )


def _mail(sender: str, owner: str, subject: str, *parts: Part) -> EmailMessage:
    """A mail written by hand, since the standard library writes no such parts."""
    source = (
        f"From: {sender}\r\nTo: {owner}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=cut\r\n\r\n"
        "--cut\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee the attached files.\r\n"
    ).encode()
    for kind, disposition, content in parts:
        head = f"--cut\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        head += f"Content-Disposition: {disposition}\r\n" if disposition else ""
        source += head.encode() + b"\r\n" + base64.encodebytes(content)
    mail = message_from_bytes(source + b"--cut--\r\n", policy=SMTP)
    if not isinstance(mail, EmailMessage):
        raise TypeError("the SMTP policy makes EmailMessage")
    return mail
