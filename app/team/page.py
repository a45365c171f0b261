"""What the page `/team` shows to this member: everybody, and to those who manage, invitations and what
they may do to whom.
"""

from dataclasses import dataclass

from app.database import reading
from app.team import invitations, members, rights
from app.team.invitations import Waiting
from app.team.members import Colleague
from app.workspaces.guard import Member


@dataclass(frozen=True)
class Row:
    """A member, and what whoever looks may do to them. `roles`: those they may be given, empty when they
    may not be changed.
    """

    colleague: Colleague
    is_me: bool
    roles: tuple[str, ...]
    removable: bool
    may_take_over: bool  # the one who looks may hand over the ownership to them
    asked: str = ""  # what is to be confirmed about them: remove, hand-over


@dataclass(frozen=True)
class Team:
    """The whole page. `waiting` is None for those who manage nothing. `leaving`: that one wants to go is
    to be confirmed.
    """

    rows: list[Row]
    waiting: list[Waiting] | None
    last_owner: bool
    leaving: bool = False

    @property
    def manages(self) -> bool:
        """Whether whoever looks may invite and change others."""
        return self.waiting is not None


def load(member: Member, *, asked: str = "", about: str = "") -> Team:
    """The page as it is now. `asked` (remove, hand-over, leave) is what to confirm, `about` the id of the
    member it is about.

    Raises NotForYou, OwnersOnly and NoSuchMember for a question this member may not be asked.
    """
    with reading() as db:
        everybody = members.list_of(db, member.workspace.id)
        role = next((each.role for each in everybody if each.user_id == member.user.id), "")
        manages = role in {"owner", "admin"}
        waiting = invitations.list_waiting(db, member.workspace.id) if manages else None
    if about:
        _check(role, asked, next((each for each in everybody if each.user_id == about), None), member)
    last = role == "owner" and sum(each.role == "owner" and each.active for each in everybody) == 1
    rows = [_row(member, role, each, last, asked if each.user_id == about else "") for each in everybody]
    return Team(rows, waiting, last, leaving=asked == "leave")


def _check(role: str, asked: str, other: Colleague | None, member: Member) -> None:
    rights.check_manages(role)
    if asked == "hand-over" and role != "owner":
        raise rights.OwnersOnly()
    if other is None or other.user_id == member.user.id:
        raise members.NoSuchMember()
    if asked == "remove":
        rights.check_touches(role, other.role)


def _row(member: Member, role: str, colleague: Colleague, last_owner: bool, asked: str) -> Row:
    is_me = colleague.user_id == member.user.id
    touchable = role == "owner" or (role == "admin" and colleague.role != "owner")
    roles = rights.ROLES if role == "owner" else rights.ROLES[1:]
    return Row(
        colleague,
        is_me,
        roles if touchable and not (is_me and last_owner) else (),
        removable=touchable and not is_me,
        may_take_over=role == "owner" and not is_me and colleague.active,
        asked=asked,
    )
