"""What Gmail's refused arguments mean: it explains only in words, and known ones get a sentence of ours."""

from app.connectors.google import error_reader
from app.errors import InvalidArguments, ProviderError, ToolError

_BAD_ARGUMENTS = (
    ("pagetoken", "This page of the search has expired. Start the search again without it."),
    ("recipient", "Gmail needs at least one valid recipient. Check the addresses."),
    ("invalid to header", "Gmail rejected one of the addresses in to."),
    ("invalid cc header", "Gmail rejected one of the addresses in cc."),
    ("invalid bcc header", "Gmail rejected one of the addresses in bcc."),
    ("id value", "That isn't a Gmail id. Search again and use an id from the results."),
)


class UnknownLabel(InvalidArguments):
    """Gmail has no such label, or does not let it be changed."""

    def __init__(self) -> None:
        super().__init__(
            "Gmail has no label with one of these ids, or doesn't let it be changed. Use ids from "
            "gmail_list_labels."
        )


def _bad_request(words: str) -> ToolError:
    if "mail service not enabled" in words:
        return ProviderError("This Google account has no Gmail mailbox. Connect one that does.")
    if "precondition check failed" in words:
        return ProviderError(
            "Gmail refused this for the connected account. Gmail may be turned off in Google Workspace: ask "
            "the administrator."
        )
    if "label" in words:
        return UnknownLabel()
    for sign, sentence in _BAD_ARGUMENTS:
        if sign in words:
            return InvalidArguments(sentence)
    return InvalidArguments("Gmail refused the request. Check the arguments.")


read_error = error_reader("Gmail", _bad_request)
