"""The page `/team` for one member: everybody, and for managers invitations and possible actions."""

from dataclasses import dataclass, replace

from app.database import reading
from app.team import invitations, members, rights, roster
from app.team.invitations import PendingInvitation
from app.team.roster import TeamMember
from app.workspaces.guard import Member


@dataclass(frozen=True)
class MemberRow:
    """A member, and what the viewer may do to them. `roles`: the roles they can be given; empty if none."""

    person: TeamMember
    is_me: bool
    roles: tuple[str, ...]
    removable: bool
    may_take_over: bool  # the viewer may hand over the ownership to them
    confirming: str = ""  # the action to confirm for them: remove, hand-over
    changed: bool = False  # their role was just changed

    @property
    def manageable(self) -> bool:
        """Whether the viewer may do anything to them."""
        return bool(self.roles) or self.removable or self.may_take_over


@dataclass(frozen=True)
class TeamPage:
    """The page. `pending` is None for who manages nothing; `confirms_leaving` asks the viewer to confirm."""

    rows: list[MemberRow]
    pending: list[PendingInvitation] | None
    last_owner: bool
    confirms_leaving: bool = False

    @property
    def manages(self) -> bool:
        """Whether the viewer may invite and change others."""
        return self.pending is not None


def load(member: Member, *, confirming: str = "", member_id: str = "", changed_id: str = "") -> TeamPage:
    """Load the page. `confirming` (remove, hand-over, leave) is an action to confirm, `member_id` its target.

    `changed_id`: whose role was just changed; their row stays open.

    Raises NotForYou, OwnersOnly and NoSuchMember if this member may not take that action.
    """
    with reading() as db:
        everybody = roster.list_of(db, member.workspace.id)
        role = next((each.role for each in everybody if each.user_id == member.user.id), "")
        manages = role in {"owner", "admin"}
        pending = invitations.list_pending(db, member.workspace.id) if manages else None
    if member_id:
        _check(
            role, confirming, next((each for each in everybody if each.user_id == member_id), None), member
        )
    last = role == "owner" and sum(each.role == "owner" and each.active for each in everybody) == 1
    rows = [
        replace(
            _row(member, role, each, last, confirming if each.user_id == member_id else ""),
            changed=each.user_id == changed_id,
        )
        for each in everybody
    ]
    return TeamPage(rows, pending, last, confirms_leaving=confirming == "leave")


def _check(role: str, confirming: str, other: TeamMember | None, member: Member) -> None:
    rights.check_manages(role)
    if confirming == "hand-over" and role != "owner":
        raise rights.OwnersOnly()
    if other is None or other.user_id == member.user.id:
        raise members.NoSuchMember()
    if confirming == "remove":
        rights.check_touches(role, other.role)


def _row(member: Member, role: str, person: TeamMember, last_owner: bool, confirming: str) -> MemberRow:
    is_me = person.user_id == member.user.id
    touchable = role == "owner" or (role == "admin" and person.role != "owner")
    roles = rights.ROLES if role == "owner" else rights.ROLES[1:]
    return MemberRow(
        person,
        is_me,
        roles if touchable and not (is_me and last_owner) else (),
        removable=touchable and not is_me,
        may_take_over=role == "owner" and not is_me and person.active,
        confirming=confirming,
    )
