"""The public door of the client library."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from coterie.governance.certificates import Certificate
from coterie.protocol.header import ReactionOp
from coterie.protocol.limits import DEFAULT_READ_MESSAGES
from coterie.protocol.roles import Inviters, Role
from coterie.sdk import (
    accounts,
    audit,
    avatars,
    blocks,
    conversations,
    direct,
    drafts,
    entering,
    forks,
    groups,
    invites,
    members,
    messages,
    mutes,
    pins,
    privacy,
    reading,
    requests,
    restored,
    search,
    watching,
)
from coterie.sdk.attachments import Progress
from coterie.sdk.connection import PATIENCE_SECONDS
from coterie.sdk.content import Portrayed
from coterie.sdk.outgoing import deliver_abandoned
from coterie.sdk.profile import Profile
from coterie.sdk.recovery import RecoveryCode
from coterie.sdk.views import (
    AuditEntry,
    Avatar,
    Ban,
    Conversation,
    CreatedInvite,
    Draft,
    Found,
    Group,
    GroupSummary,
    Invite,
    Loss,
    Member,
    Message,
    Muted,
    Person,
    PinnedMessage,
    Privacy,
    Request,
    SafetyNumber,
    Sent,
    Unconfirmed,
    Unread,
)


class Client:
    """One person on one device. Several processes may open one profile at once.

    `ref` names a group by name or id; `target` may also be `@username`, or any conversation's id.
    What the server refuses is raised as `protocol.errors.Refused`, what this device finds wrong as
    `sdk.errors.ClientError`.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def __repr__(self) -> str:
        return f"Client({self.username!r})"

    # --- the account

    @classmethod
    async def sign_up(
        cls,
        home: Path,
        server: str,
        username: str,
        password: str,
        *,
        registration_code: str | None = None,
    ) -> tuple[Self, RecoveryCode]:
        """Make an account; `home` is the folder of the new profile.

        The recovery code is the only way back to the identity. Until `forget_recovery_code` it lies
        in the profile, and the same call gives it again.
        """
        profile, code = await accounts.sign_up(home, server, username, password, registration_code)
        return cls(profile), code

    @classmethod
    def open(cls, home: Path, *, patience: float = PATIENCE_SECONDS) -> Self:
        """`patience`: for how many seconds a server that has gone away is waited for.

        Raises NotSignedUp, VaultLocked, VaultTooNew.
        """
        return cls(accounts.open_profile(home, patience))

    async def forget_recovery_code(self) -> None:
        """A person has it: from here on it is kept nowhere."""
        await accounts.forget_recovery_code(self._profile)

    async def log_in(self, password: str) -> None:
        """A new session, after one has ended."""
        await accounts.log_in(self._profile, password)

    async def log_out(self) -> None:
        """End this device's session; keys and messages stay in the profile."""
        await accounts.log_out(self._profile)

    async def check_recovery(self, typed: str) -> None:
        """Whether a recovery code, words or text, is this account's; it stays on this device.

        Raises BadRecoveryCode, WrongRecoveryCode.
        """
        await accounts.check_recovery(self._profile, typed)

    async def close(self) -> None:
        await self._profile.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def user_id(self) -> UUID:
        return self._profile.account.user_id

    @property
    def username(self) -> str:
        return self._profile.account.username

    @property
    def device_id(self) -> UUID:
        return self._profile.account.device_id

    @property
    def provisional(self) -> bool:
        """Whether this device is vouched for by another device, not by the identity."""
        return Certificate.decode(self._profile.account.certificate).provisional

    @property
    def server(self) -> str:
        return self._profile.account.server

    def pop_warnings(self) -> list[str]:
        """What the person should know of the calls since the last time."""
        warnings, self._profile.warnings = self._profile.warnings, []
        return warnings

    async def sync(self) -> None:
        """Fetch everything new, and finish what was left undone: by a process that was killed, or
        without an answer of the server."""
        await conversations.sync_all(self._profile)
        await deliver_abandoned(self._profile)

    # --- groups

    async def create_group(self, name: str, description: str | None = None) -> GroupSummary:
        return await groups.create_group(self._profile, name, description)

    async def groups(self) -> list[Group]:
        return await groups.list_groups(self._profile)

    async def group(self, ref: str) -> Group:
        return await groups.get_group(self._profile, ref)

    async def update_group(
        self,
        ref: str,
        *,
        name: str | None = None,
        description: str | None = None,
        inviters: Inviters | None = None,
        slow_mode: timedelta | None = None,
    ) -> None:
        """`slow_mode`: between two messages of a member below moderator; zero ends it."""
        await groups.update_group(
            self._profile,
            ref,
            name=name,
            description=description,
            inviters=inviters,
            slow_mode=slow_mode,
        )

    async def delete_group(self, ref: str) -> None:
        await groups.delete_group(self._profile, ref)

    # --- invites

    async def create_invite(
        self, ref: str, *, expires_in: timedelta | None = None, max_uses: int | None = None
    ) -> CreatedInvite:
        return await invites.create_invite(self._profile, ref, expires_in, max_uses)

    async def invites(self, ref: str) -> list[Invite]:
        return await invites.list_invites(self._profile, ref)

    async def revoke_invite(self, ref: str, code: str) -> None:
        await invites.revoke_invite(self._profile, ref, code)

    async def join(self, link: str) -> GroupSummary:
        """Raises BadLink, OtherServer, WrongLinkSecret, UntrustedGroup."""
        return await groups.summary(self._profile, await entering.join(self._profile, link))

    # --- members

    async def members(self, ref: str) -> list[Member]:
        """The highest rank first."""
        return await members.list_members(self._profile, ref)

    async def set_role(
        self, ref: str, username: str, role: Role, reason: str | None = None
    ) -> None:
        await members.set_role(self._profile, ref, username, role, reason)

    async def transfer(self, ref: str, username: str) -> None:
        await members.transfer(self._profile, ref, username)

    async def kick(self, ref: str, username: str, reason: str | None = None) -> None:
        await members.kick(self._profile, ref, username, reason)

    async def ban(
        self,
        ref: str,
        username: str,
        reason: str | None = None,
        keep_invites: Collection[str] = (),
    ) -> None:
        """Ends every open invite link of the group, but those of the codes in `keep_invites`."""
        await members.ban(self._profile, ref, username, reason, keep_invites)

    async def unban(self, ref: str, username: str, reason: str | None = None) -> None:
        await members.unban(self._profile, ref, username, reason)

    async def bans(self, ref: str) -> list[Ban]:
        return await members.list_bans(self._profile, ref)

    async def audit(
        self, ref: str, *, limit: int = DEFAULT_READ_MESSAGES, before: int | None = None
    ) -> list[AuditEntry]:
        """What moderators did, the newest first, or before the act `before`; as the server says."""
        return await audit.list_audit(self._profile, ref, limit, before)

    async def leave(self, ref: str) -> None:
        await members.leave(self._profile, ref)

    # --- messages

    async def send(
        self,
        target: str,
        text: str,
        *,
        reply_to: int | None = None,
        files: Sequence[Path] = (),
        progress: Progress | None = None,
    ) -> Sent:
        """Raises NotAcknowledged where it may have arrived: then the next call that reads or writes
        messages sends it, to be there once.

        After every other error it was not sent, and will not be.
        """
        return await messages.send(self._profile, target, text, reply_to, files, progress)

    async def read(
        self, target: str, *, limit: int = DEFAULT_READ_MESSAGES, before: int | None = None
    ) -> list[Message]:
        """The newest messages, or those before the message `before`; oldest first."""
        return await messages.read(self._profile, target, limit, before)

    async def unread(self) -> list[Unread]:
        """The conversations with messages of others that nobody of this person's devices has read.

        `read` and `follow` mark what they give as read.
        """
        return await reading.list_unread(self._profile)

    async def mute(self, target: str, length: timedelta | None = None) -> Muted:
        """Leave a conversation out of the sum of what is unread, but for what mentions this person.

        For so long, or until `unmute`; on this device alone.
        """
        return await mutes.mute(self._profile, target, length)

    async def unmute(self, target: str) -> None:
        await mutes.unmute(self._profile, target)

    async def mutes(self) -> list[Muted]:
        return await mutes.list_mutes(self._profile)

    async def draft(self, target: str) -> str | None:
        """What this person has begun to write there. It stays on this device."""
        return await drafts.get_draft(self._profile, target)

    async def keep_draft(self, target: str, text: str) -> None:
        """In the place of the one before; an empty text drops it, as does sending the same."""
        await drafts.keep_draft(self._profile, target, text)

    async def drafts(self) -> list[Draft]:
        return await drafts.list_drafts(self._profile)

    async def search(
        self,
        text: str,
        *,
        target: str | None = None,
        limit: int = DEFAULT_READ_MESSAGES,
        before: int | None = None,
    ) -> list[Found]:
        """Messages with all of these words, or beginnings of words, in everything this device has
        or in one conversation; the newest first. The words never leave the device.
        """
        return await search.search(self._profile, text, target, limit, before)

    def follow(self, target: str, *, history: int = 0) -> AsyncGenerator[Message]:
        """The newest `history` messages, then each that is new or changes, without end."""
        return messages.follow(self._profile, target, history)

    async def edit(self, target: str, message_id: int, text: str) -> None:
        await messages.edit(self._profile, target, message_id, text)

    async def delete(self, target: str, message_id: int, reason: str | None = None) -> None:
        """`reason`: for the moderators of a group, where the message is another's."""
        await messages.delete(self._profile, target, message_id, reason)

    async def react(self, target: str, message_id: int, emoji: str) -> None:
        """Raises UnknownEmoji. A reaction that is there already stays as it is."""
        await messages.react(self._profile, target, message_id, emoji, ReactionOp.ADD)

    async def unreact(self, target: str, message_id: int, emoji: str) -> None:
        await messages.react(self._profile, target, message_id, emoji, ReactionOp.REMOVE)

    async def pin(self, target: str, message_id: int) -> None:
        """For moderators of a group and above, and for both in a direct conversation."""
        await messages.pin(self._profile, target, message_id, ReactionOp.ADD)

    async def unpin(self, target: str, message_id: int) -> None:
        await messages.pin(self._profile, target, message_id, ReactionOp.REMOVE)

    # --- what passes

    async def privacy(self) -> Privacy:
        """What others see of this person beside what they write; asked of this device alone."""
        return await privacy.get_privacy(self._profile)

    async def set_privacy(
        self, *, typing: bool | None = None, presence: bool | None = None
    ) -> Privacy:
        """None leaves it as it is."""
        return await privacy.set_privacy(self._profile, typing, presence)

    async def show_typing(self, target: str) -> None:
        """May be called at every keystroke: it is told now and then, if this person shows it."""
        await privacy.show_typing(self._profile, target)

    def watch_typing(self, target: str) -> AsyncGenerator[tuple[str, ...]]:
        """The names of those who type there, now and at each change; as the server says."""
        return privacy.watch_typing(self._profile, target)

    def watch_presence(self) -> AsyncGenerator[frozenset[UUID]]:
        """The user ids of those who show that they are there; of nobody, where one does not."""
        return privacy.watch_presence(self._profile)

    # --- pictures

    async def set_avatar(self, target: str, path: Path, *, of_group: bool = False) -> Sent:
        """Show this picture for oneself to who reads the conversation, or for the group.

        The group's is set by admins and above. Raises BadInput for what is no picture.
        """
        return await avatars.set_avatar(self._profile, target, path, _portrayed(of_group))

    async def clear_avatar(self, target: str, *, of_group: bool = False) -> None:
        """Raises NotFoundHere."""
        await avatars.clear_avatar(self._profile, target, _portrayed(of_group))

    async def avatars(self, target: str) -> list[Avatar]:
        """The group's first, then those of its members; `download` fetches one."""
        return await avatars.list_avatars(self._profile, target)

    async def pinned(self, target: str) -> list[PinnedMessage]:
        """The one pinned last comes first."""
        return await messages.list_pinned(self._profile, target)

    async def download(
        self,
        target: str,
        file_id: UUID,
        out: Path | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write a file to `out`, a file or a folder (by default the current one); where it is."""
        return await messages.download(self._profile, target, file_id, out, progress)

    # --- programs that stay open

    def watch_all(self) -> AsyncGenerator[bool]:
        """Whether the server is there: now, and whenever that or anything else may have changed."""
        return watching.watch_all(self._profile)

    def watch(self, target: str, *, history: int) -> AsyncGenerator[list[Message]]:
        """The newest `history` messages this device has, at once; then what is new or has changed,
        at every look, and nothing where there was only something to warn of. Marks nothing as read.
        """
        return watching.watch(self._profile, target, history)

    async def conversations(self) -> list[Conversation]:
        """Every conversation this device knows, as of the last `sync`; the newest first."""
        return await watching.list_overview(self._profile)

    async def kept(
        self, target: str, *, limit: int = DEFAULT_READ_MESSAGES, before: int | None = None
    ) -> list[Message]:
        """As `read`, of what this device has: nothing is asked of the server or marked as read."""
        return await watching.list_kept(self._profile, target, limit, before)

    async def unconfirmed(self, target: str) -> list[Unconfirmed]:
        """What was sent here, and neither confirmed nor refused."""
        return await watching.list_unconfirmed(self._profile, target)

    async def mark_read(self, target: str, seq: int) -> None:
        """Up to this entry, on all devices of this person."""
        await reading.mark_read(self._profile, await conversations.find(self._profile, target), seq)

    # --- people

    async def people(self) -> list[Person]:
        """Whom this person has a direct conversation with, as of the last `sync`, by name.

        Not those who only ask for one: they are `requests`.
        """
        return await direct.list_people(self._profile)

    async def requests(self) -> list[Request]:
        """Who wrote to this person, and they never to them, without a group in common."""
        return await requests.list_requests(self._profile)

    async def accept_request(self, username: str) -> None:
        """Raises NotFoundHere where there is none, neither waiting nor declined."""
        await requests.accept(self._profile, username)

    async def decline_request(self, username: str) -> None:
        """Blocks them, and lists nothing of theirs. Raises NotFoundHere."""
        await requests.decline(self._profile, username)

    async def block(self, username: str) -> None:
        await blocks.block(self._profile, username)

    async def unblock(self, username: str) -> None:
        await requests.unblock(self._profile, username)

    async def blocks(self) -> list[Person]:
        return await blocks.list_blocks(self._profile)

    async def safety_number(self, username: str) -> SafetyNumber:
        """What to compare with somebody, in person or by voice: they see the same digits."""
        return await pins.show_safety_number(self._profile, username)

    async def verify_identity(self, username: str, number: str) -> None:
        """A person has compared it. Raises WrongSafetyNumber, and then nothing is remembered."""
        await pins.verify_identity(self._profile, username, number)

    async def changed_identity(self, username: str) -> SafetyNumber:
        """Somebody's identity has changed: what to compare with them before accepting it."""
        return await pins.show_changed_identity(self._profile, username)

    async def accept_identity(self, username: str, number: str) -> None:
        """Somebody's identity has changed, and a person has compared its safety number.

        Raises WrongSafetyNumber where what is seen by now is another one.
        """
        await pins.accept_identity(self._profile, username, number)

    async def keep_identity(self, username: str) -> None:
        """It is not theirs: go on with the identity known before. A person has checked."""
        await pins.keep_identity(self._profile, username)

    async def look_at_loss(self, target: str) -> Loss:
        """What a server that was restored from a backup has lost of a conversation.

        Raises NothingLost, NotAMember.
        """
        return await restored.look(self._profile, target)

    async def accept_loss(self, target: str, kept: int) -> Loss:
        """Go on without it from entry `kept`, as `look_at_loss` told it; what is lost stays
        readable on this device. Raises LostOtherwise, and then nothing has changed."""
        return await restored.accept(self._profile, target, kept)

    async def accept_fork(self, target: str, username: str) -> None:
        """Somebody tells of another history of a conversation, and a person has looked into it.

        What they said stops nothing any more; something else they say does. Raises NotFoundHere.
        """
        await forks.accept_fork(self._profile, target, username)


def _portrayed(of_group: bool) -> Portrayed:
    return Portrayed.GROUP if of_group else Portrayed.SENDER
