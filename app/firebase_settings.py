"""Whose ID tokens are exchanged: the operator's Firebase project, else the sandbox's.

The sandbox imitates the Firebase project of FlowPOS. With it on and nothing set, its ID tokens are exchanged,
so that the exchange works on a machine with no account anywhere. Production has no sandbox.
"""

from collections.abc import Mapping

_GOOGLE = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
SANDBOX_PROJECT = "flowpos-sandbox"
_SANDBOX_PATH = "/flowpos/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"


def read(environ: Mapping[str, str], sandbox_url: str | None) -> tuple[str | None, str]:
    """Return the Firebase project whose ID tokens are accepted (None: none are), and its certificates' URL.

    The sandbox stands in only if neither setting is given: its project with other certificates, or its
    certificates for another project, would trust the wrong signer.
    """
    project, certs_url = environ.get("FIREBASE_PROJECT_ID"), environ.get("FIREBASE_CERTS_URL")
    if sandbox_url is not None and not project and not certs_url:
        return SANDBOX_PROJECT, sandbox_url + _SANDBOX_PATH
    return project or None, certs_url or _GOOGLE
