"""Email addresses: as people type them, and as we store them."""

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidInput

LONGEST = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


class InvalidAddress(InvalidInput):
    """The text is not an email address."""

    message = "Enter an email address, such as alex@example.com."


def normalise(typed: str) -> str:
    """Return the address in lower case, its domain in ASCII. Raises InvalidAddress.

    Does not check that the domain exists: the mailed code proves the address, also on an internal domain.
    """
    text = typed.strip()
    if not text or len(text) > LONGEST:
        raise InvalidAddress()
    try:
        checked = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except EmailNotValidError:
        raise InvalidAddress() from None
    if not checked.ascii_email or len(checked.ascii_email) > LONGEST:
        raise InvalidAddress()
    return checked.ascii_email.lower()


def masked(address: str) -> str:
    """Return enough of an address to recognise it, for records stored for good: z…@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
