"""A TokenSource for answers written by hand: its token never expires."""


class FixedToken:
    def bearer(self) -> str:
        return "token"

    def refreshed(self, rejected: str) -> str:
        return "token"
