"""Who may do what to whom in a workspace. Owners: everything. Admins: everything that affects no owner."""

from app.errors import Forbidden, InvalidInput

ROLES = ("owner", "admin", "member")
INVITED_ROLES = ("member", "admin")
_MANAGING = {"owner", "admin"}


class NotForYou(Forbidden):
    """A member tried what only owners and admins may do."""

    message = "Only owners and admins can do this. Ask one of them."


class OwnersOnly(Forbidden):
    """An admin tried what only owners may do."""

    message = "Only owners can add, change or remove owners. Ask an owner of this workspace."


def check_manages(role: str) -> None:
    """Raises NotForYou unless the role invites and manages members."""
    if role not in _MANAGING:
        raise NotForYou()


def check_touches(role: str, other_role: str, new_role: str | None = None) -> None:
    """Check that `role` may change or remove somebody with `other_role`. Raises NotForYou, OwnersOnly."""
    check_manages(role)
    if "owner" in {other_role, new_role} and role != "owner":
        raise OwnersOnly()


def check_role(name: str, among: tuple[str, ...] = ROLES) -> None:
    """Raises InvalidInput unless it is one of the allowed roles."""
    if name not in among:
        raise InvalidInput("Choose a role: " + ", ".join(among) + ".")
