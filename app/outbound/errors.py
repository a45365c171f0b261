"""Why no usable response arrived: the exceptions of `outbound`. Their sentences name no address."""


class OutboundError(Exception):
    """No usable response arrived. `sent` is False if certainly nothing reached the other side."""

    def __init__(self, sentence: str, *, sent: bool) -> None:
        super().__init__(sentence)
        self.sent = sent


class OutboundTimeout(OutboundError):
    """The deadline passed."""


class OutboundStopped(OutboundError):
    """The caller no longer needs the response. `begun`: it had begun to arrive."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("The answer is no longer needed.", sent=True)
        self.begun = begun


class ResponseTooLarge(OutboundError):
    """The response exceeds the size limit; a retry would return the same."""

    def __init__(self) -> None:
        super().__init__("The answer is larger than we accept.", sent=True)


class ResponseEndless(OutboundError):
    """The response consists of more pieces than one may: messages, lines, or what frames them."""

    def __init__(self) -> None:
        super().__init__("The other side keeps sending, but no answer.", sent=True)


class ResponseUnreadable(OutboundError):
    """The response breaks the rules of HTTP, or of the compression it names."""

    def __init__(self) -> None:
        super().__init__("The answer could not be read.", sent=True)


class AddressRefused(OutboundError):
    """The address is on a network we do not connect to for an address that came from outside."""

    def __init__(self) -> None:
        super().__init__("That address is not allowed.", sent=False)


class HostUnknown(OutboundError):
    """The name of the host does not resolve."""

    def __init__(self) -> None:
        super().__init__("The name of the other side is not known.", sent=False)


class CertificateRefused(OutboundError):
    """The certificate is not valid for the host. `why` continues "its certificate …"."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The certificate of the other side {why}.", sent=False)
        self.why = why
