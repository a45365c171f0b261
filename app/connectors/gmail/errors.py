"""What Gmail's refused arguments mean: it explains only in words, and known ones get a sentence of ours."""

from app.connectors.google import error_reader
from app.errors import InvalidArguments, ProviderError, ToolError

_BAD_ARGUMENTS = (
    ("pagetoken", "This page of the search is not known any more. Start the search again without it."),
    (
        "label",
        "Gmail does not know one of these labels, or does not let it be changed. Take label ids from the "
        "list of labels.",
    ),
    ("recipient", "Gmail needs at least one valid recipient. Check the addresses."),
    ("invalid to header", "Gmail does not accept one of the addresses in to."),
    ("invalid cc header", "Gmail does not accept one of the addresses in cc."),
    ("invalid bcc header", "Gmail does not accept one of the addresses in bcc."),
    ("id value", "That is not the form of a Gmail id. Search again and use an id from there."),
)


def _bad_request(words: str) -> ToolError:
    if "mail service not enabled" in words:
        return ProviderError("This Google account has no Gmail mailbox. Connect an account that has one.")
    if "precondition check failed" in words:
        return ProviderError(
            "Gmail does not do this for the connected account. Perhaps Gmail is switched off for it in "
            "Google Workspace: ask its administrator."
        )
    for sign, sentence in _BAD_ARGUMENTS:
        if sign in words:
            return InvalidArguments(sentence)
    return InvalidArguments("Gmail refused the request. Check the arguments.")


read_error = error_reader("Gmail", _bad_request)
