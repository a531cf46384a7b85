"""Every way the server can say no. One exception carries them all, on both ends of the wire."""

from typing import ClassVar
from uuid import UUID

import msgspec


class Refusal(msgspec.Struct, frozen=True, tag_field="code"):
    """A refusal. `status` is its HTTP status; `advice` tells a person what to do."""

    status: ClassVar[int] = 400
    advice: ClassVar[str] = "Check the request."

    def __str__(self) -> str:
        return self.advice


class Malformed(Refusal, frozen=True, tag="malformed"):
    detail: str

    def __str__(self) -> str:
        return f"The request is not well-formed: {self.detail}"


class Unauthenticated(Refusal, frozen=True, tag="unauthenticated"):
    status: ClassVar[int] = 401
    advice: ClassVar[str] = "The session has ended or never was. Log in again."


class WrongCredentials(Refusal, frozen=True, tag="wrong_credentials"):
    """The same for an unknown name and for a wrong password."""

    status: ClassVar[int] = 401
    advice: ClassVar[str] = "The username or the password is wrong."


class Forbidden(Refusal, frozen=True, tag="forbidden"):
    status: ClassVar[int] = 403
    action: str

    def __str__(self) -> str:
        return f"Your role in this group does not allow this ({self.action})."


class NotFound(Refusal, frozen=True, tag="not_found"):
    """Also what a stranger is told about something that exists."""

    status: ClassVar[int] = 404
    what: str

    def __str__(self) -> str:
        return f"There is no such {self.what}, or it is not yours to see."


class RegistrationClosed(Refusal, frozen=True, tag="registration_closed"):
    status: ClassVar[int] = 403
    advice: ClassVar[str] = "This server takes new accounts by invitation only. Ask its operator."


class AccountLocked(Refusal, frozen=True, tag="account_locked"):
    status: ClassVar[int] = 403
    advice: ClassVar[str] = "This account is locked. Speak to the operator of the server."


class UsernameTaken(Refusal, frozen=True, tag="username_taken"):
    status: ClassVar[int] = 409
    advice: ClassVar[str] = "This username is taken. Choose another."


class Taken(Refusal, frozen=True, tag="taken"):
    """An id or a key that the client drew exists already, with other contents."""

    status: ClassVar[int] = 409
    what: str

    def __str__(self) -> str:
        return f"This {self.what} exists already."


class Blocked(Refusal, frozen=True, tag="blocked"):
    status: ClassVar[int] = 403
    advice: ClassVar[str] = "This person does not take messages from you."


class InviteSpent(Refusal, frozen=True, tag="invite_spent"):
    """Expired or used up; the holder of the link learns no more than that."""

    status: ClassVar[int] = 410
    advice: ClassVar[str] = "This invite link has expired or is used up. Ask for a new one."


class AlreadyMember(Refusal, frozen=True, tag="already_member"):
    status: ClassVar[int] = 409
    advice: ClassVar[str] = "This person is a member already."


class DirectExists(Refusal, frozen=True, tag="direct_exists"):
    """The two have a direct conversation already: join that one."""

    status: ClassVar[int] = 409
    advice: ClassVar[str] = "You already have a conversation with this person."
    conversation_id: UUID


class EpochStale(Refusal, frozen=True, tag="epoch_stale"):
    """Another commit won this epoch. Process it, build again, try again."""

    status: ClassVar[int] = 409
    advice: ClassVar[str] = "The group has moved on. Catch up and try again."
    current: int


class RemovalPending(Refusal, frozen=True, tag="removal_pending"):
    """Somebody left: commit the removal of their keys before sending."""

    status: ClassVar[int] = 409
    advice: ClassVar[str] = "Somebody left: their keys must be removed before the next message."


class CommitRefused(Refusal, frozen=True, tag="commit_refused"):
    """`accept` refused the commit. `rule` is the rule's id in `docs/protocol.md`."""

    status: ClassVar[int] = 422
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"The change is against the rules of the group ({self.rule}): {self.detail}"


class CommitMismatch(Refusal, frozen=True, tag="commit_mismatch"):
    """The commit changes something else than the command says."""

    status: ClassVar[int] = 422
    detail: str

    def __str__(self) -> str:
        return f"The commit does not do what the command says: {self.detail}"


class EditStale(Refusal, frozen=True, tag="edit_stale"):
    status: ClassVar[int] = 409
    advice: ClassVar[str] = "A newer edit of this message exists. Read it first."
    current: int


class CounterStale(Refusal, frozen=True, tag="counter_stale"):
    """The counter of a reaction must rise, and so must the number of a pin."""

    status: ClassVar[int] = 409
    advice: ClassVar[str] = "This has changed meanwhile. Try again."
    current: int


class OffsetStale(Refusal, frozen=True, tag="offset_stale"):
    """So much of the upload is here: go on from there."""

    status: ClassVar[int] = 409
    advice: ClassVar[str] = "More or less of this file has arrived. Go on from what has."
    current: int


class OwnerMustTransfer(Refusal, frozen=True, tag="owner_must_transfer"):
    status: ClassVar[int] = 409
    advice: ClassVar[str] = "Hand the group to somebody else first, or delete it."


class LimitReached(Refusal, frozen=True, tag="limit_reached"):
    status: ClassVar[int] = 409
    what: str
    limit: int

    def __str__(self) -> str:
        return f"The limit of {self.limit} {self.what} is reached."


class TooLarge(Refusal, frozen=True, tag="too_large"):
    status: ClassVar[int] = 413
    what: str
    limit: int

    def __str__(self) -> str:
        return f"The {self.what} is larger than {self.limit} bytes."


class QuotaExceeded(Refusal, frozen=True, tag="quota_exceeded"):
    status: ClassVar[int] = 413
    limit: int

    def __str__(self) -> str:
        return f"Your files would take more than the {self.limit} bytes you may keep here."


class RateLimited(Refusal, frozen=True, tag="rate_limited"):
    """`retry_after` in seconds."""

    status: ClassVar[int] = 429
    retry_after: int

    def __str__(self) -> str:
        return f"Too many requests. Try again in {self.retry_after} seconds."


class SlowMode(Refusal, frozen=True, tag="slow_mode"):
    """The group asks for a pause between messages. `retry_after` in seconds."""

    status: ClassVar[int] = 429
    retry_after: int

    def __str__(self) -> str:
        return (
            f"This group is in slow mode. You may send your next message in {self.retry_after} "
            "seconds."
        )


class Unavailable(Refusal, frozen=True, tag="unavailable"):
    """The server cannot answer now. Whether the command was carried out is not known."""

    status: ClassVar[int] = 503
    advice: ClassVar[str] = "The server cannot answer right now. Try again in a moment."


class Internal(Refusal, frozen=True, tag="internal"):
    """A fault of the server. `incident` finds it in the server's log."""

    status: ClassVar[int] = 500
    incident: str

    def __str__(self) -> str:
        return f"The server failed. Tell its operator the incident number {self.incident}."


AnyRefusal = (
    Malformed
    | Unauthenticated
    | WrongCredentials
    | Forbidden
    | NotFound
    | RegistrationClosed
    | AccountLocked
    | UsernameTaken
    | Taken
    | Blocked
    | InviteSpent
    | AlreadyMember
    | DirectExists
    | EpochStale
    | RemovalPending
    | CommitRefused
    | CommitMismatch
    | EditStale
    | CounterStale
    | OffsetStale
    | OwnerMustTransfer
    | LimitReached
    | TooLarge
    | QuotaExceeded
    | RateLimited
    | SlowMode
    | Unavailable
    | Internal
)


def code_of(refusal: Refusal) -> str:
    """The word for it, on the wire and for programs."""
    return str(refusal.__struct_config__.tag)


class Refused(Exception):  # noqa: N818 - reads as a sentence: except Refused as no
    """The server, or a client's own check, said no: `no.refusal` says how."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
