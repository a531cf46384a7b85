"""What a person can do to what is chosen: only that is offered, and the server judges again."""

from typing import Final

from coterie.protocol.roles import Action, Role, may, outranks
from coterie.sdk.views import Conversation, Member, Message
from coterie.tui.drafts import Draft, Fate

ON_MESSAGES: Final = frozenset(
    {"reply", "react", "edit", "delete", "save_file", "copy_message", "try_again"}
)
ON_GROUPS: Final = frozenset({"invite", "leave", "toggle_members"})
ON_MEMBERS: Final = frozenset({"kick", "ban", "write_to"})


def may_with_draft(action: str, draft: Draft) -> bool:
    return action == "copy_message" or (
        draft.fate is Fate.FAILED and action in ("try_again", "delete")
    )


def may_with_message(action: str, message: Message | None, username: str, role: Role) -> bool:
    """`username` and `role` are the person's own."""
    if message is None or action == "try_again":
        return False
    if message.lost_by_server:
        return action == "copy_message" and bool(message.text)
    if message.deleted_at is not None:
        return action == "reply"
    own = message.sender == username
    match action:
        case "edit":
            return own and message.text is not None
        case "delete":
            return own or may(role, Action.DELETE_OTHERS)
        case "save_file":
            return bool(message.files)
        case "copy_message":
            return bool(message.text)
        case _:
            return True


def may_in_group(action: str, conversation: Conversation | None, role: Role) -> bool:
    if conversation is None or conversation.direct or not conversation.current:
        return False
    return action != "leave" or role is not Role.OWNER


def may_with_member(action: str, member: Member | None, username: str, role: Role) -> bool:
    """`username` and `role` are the person's own."""
    if member is None or member.username == username:
        return False
    deed = {"kick": Action.KICK, "ban": Action.BAN}.get(action)
    return deed is None or (may(role, deed) and outranks(role, member.role))
