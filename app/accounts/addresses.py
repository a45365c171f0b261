"""E-mail addresses as people type them and as we keep them."""

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidInput

LONGEST = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


class InvalidAddress(InvalidInput):
    """What was typed is no e-mail address."""

    message = "Enter an email address, such as alex@example.com."


def normalise(typed: str) -> str:
    """The address in lower case, its domain in ASCII. Raises InvalidAddress.

    Whether it exists is not looked up: the mailed code proves it, also on a company's internal domain.
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
    """Enough of an address to know it again, for what is kept for good: z…@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
