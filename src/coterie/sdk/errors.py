"""What a client itself can find wrong. What the server refuses is `protocol.errors.Refused`.

Every error has a `code` in snake_case, for programs, and a message that says what to do.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import ClassVar
from uuid import UUID


class ClientError(Exception):
    """Raised by this library. Nothing is lost: the profile is as it was before."""

    code: ClassVar[str] = "client_error"


# --- the profile and its account


class NotSignedUp(ClientError):
    code = "not_signed_up"

    def __init__(self) -> None:
        super().__init__(
            "This profile has no account yet. Sign up: coterie signup USERNAME --server URL"
        )


class AlreadySignedUp(ClientError):
    code = "already_signed_up"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"This profile belongs to {username} already. Set COTERIE_HOME to another folder."
        )


class VaultLocked(ClientError):
    """The key of the device store is missing or is not the one it was sealed under."""

    code = "vault_locked"


class VaultUnusable(ClientError):
    """The device store is damaged, or its disk is full or fails."""

    code = "vault_unusable"

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"The store of this profile cannot be used ({detail}). Check the disk, or put {path} "
            "back from a backup."
        )


class VaultTooNew(ClientError):
    code = "vault_too_new"

    def __init__(self) -> None:
        super().__init__("A newer Coterie wrote this profile. Install that version to use it.")


class BadInput(ClientError):
    """What should be said to the server breaks a limit of the protocol. Nothing was sent."""

    code = "malformed"


# --- the server


class BadAddress(ClientError):
    code = "bad_address"

    def __init__(self, server: str) -> None:
        super().__init__(f"{server!r} is no address. One looks like https://chat.example.org")


class InsecureServer(ClientError):
    code = "insecure_server"

    def __init__(self, server: str) -> None:
        super().__init__(
            f"{server} is not https, and is not this machine: passwords and metadata would travel "
            "in the clear. Use the https address."
        )


class ServerUnreachable(ClientError):
    """No answer in time. Whether the last request was carried out is not known; repeat it."""

    code = "server_unreachable"

    def __init__(self, server: str) -> None:
        super().__init__(f"{server} does not answer. Check the address, then try again.")


class NotAcknowledged(ClientError):
    """What was to be sent may have arrived. It stays in the outbox, to be sent once."""

    code = "not_acknowledged"

    def __init__(self, server: str) -> None:
        super().__init__(
            f"{server} did not confirm this, and may have it all the same. It is kept, and will be "
            "sent again, to be there once, when the server answers. Do not repeat it."
        )


class BadAnswer(ClientError):
    """The server answered something that is no answer of this protocol."""

    code = "bad_answer"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The server's answer makes no sense ({detail}). Is this a Coterie server?"
        )


# --- finding things


class NotFoundHere(ClientError):
    """This profile knows no such group, person or message."""

    code = "not_found"


class AmbiguousName(ClientError):
    code = "ambiguous_name"

    def __init__(self, name: str, ids: Iterable[UUID]) -> None:
        listed = ", ".join(str(one) for one in ids)
        super().__init__(f"Several groups are called {name!r}. Use the id instead: {listed}")


# --- entering


class BadLink(ClientError):
    """The text is no invite link, or its secret is damaged."""

    code = "bad_link"


class WrongLinkSecret(ClientError):
    code = "wrong_link_secret"

    def __init__(self) -> None:
        super().__init__(
            "The secret of this link (the part after #) is wrong. Ask for the link again; "
            "no use of it was spent."
        )


class OtherServer(ClientError):
    code = "other_server"

    def __init__(self, server: str) -> None:
        super().__init__(f"This link leads to {server}: it needs an account there.")


class UntrustedGroup(ClientError):
    """What the server shows does not follow from what the link, or this device, vouches for."""

    code = "untrusted_group"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The server's account of this group cannot be verified ({detail}). Not entering it."
        )


class EarlierGroup(UntrustedGroup):
    """The server shows a group as it was, or might have become, before what is known of it here."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"{detail}; if your operator has restored a backup, look at what is lost, with coterie "
            "restored GROUP"
        )


class Contended(ClientError):
    code = "contended"

    def __init__(self) -> None:
        super().__init__("Too many people are changing this group at once. Try again.")


# --- what stops a conversation


class NotAMember(ClientError):
    """Whoever is put out finds as little as a stranger does; only this device remembers a name."""

    code = "not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"You are no longer a member of {name}. Join again by a new link.")


class GroupHalted(ClientError):
    """The server ordered a commit that breaks the rules of the group."""

    code = "group_halted"

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(
            f"The server let through a change that the rules forbid ({rule}: {detail}). "
            "This device has stopped here and kept the evidence. Speak to the group another way."
        )


class Forked(ClientError):
    """Somebody was shown another history than this device, or says so."""

    code = "fork_detected"

    def __init__(self, target: str, teller: str, seq: int) -> None:
        super().__init__(
            f"{teller} tells of a different history (up to entry {seq}): either the server shows "
            f"you two histories, or {teller}'s client lies. Sending has stopped; both versions are "
            f"kept as proof. Ask {teller} and others another way. To go on all the same: "
            f"coterie resume {quote(target)} {quote(teller)}"
        )


class LogBroken(ClientError):
    """The server's log of a conversation contradicts itself."""

    code = "log_broken"

    def __init__(self, detail: str) -> None:
        super().__init__(f"The server's log of this conversation contradicts itself: {detail}.")


class LogRewound(ClientError):
    """The server's log ends before what this device has seen of it, or goes on otherwise."""

    code = "log_rewound"

    def __init__(self, target: str, seq: int, since: datetime | None) -> None:
        newest = "" if since is None else f" (the newest message here is of {since:%F %H:%M} UTC)"
        super().__init__(
            f"The server no longer has what this device has seen of this conversation, up to entry "
            f"{seq}{newest}: it has gone back, as after a restore from a backup. Nothing is sent "
            "here until you have looked, and what this device has is kept. Ask your operator, and "
            f"see what is lost: coterie restored {quote(target)}"
        )


class NothingLost(ClientError):
    code = "nothing_lost"

    def __init__(self) -> None:
        super().__init__("The server has all that this device has seen of this conversation.")


class LostOtherwise(ClientError):
    """What a person has consented to is not what there is."""

    code = "lost_otherwise"

    def __init__(self, target: str) -> None:
        super().__init__(
            "The server has now lost something else than what you have looked at. Nothing has been "
            f"changed. Look again: coterie restored {quote(target)}"
        )


class LostHere(ClientError):
    code = "lost_by_server"

    def __init__(self, message_id: int) -> None:
        super().__init__(
            f"The server has lost message {message_id}: those who had it can read it, and nobody "
            "can answer it."
        )


class IdentityChanged(ClientError):
    code = "identity_changed"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"The identity of {username} has changed, or somebody else uses the name. Sending is "
            f"blocked until you have checked with them: coterie trust {username} shows the safety "
            f"number to compare; if it is not theirs, coterie trust {username} --keep"
        )


class StaleDeviceList(ClientError):
    """The server shows a list of somebody's devices that is not their newest, or contradicts it."""

    code = "stale_device_list"

    def __init__(self, shown: int, known: int) -> None:
        super().__init__(
            f"The server shows version {shown} of a person's device list, which does not follow "
            f"from version {known} that this device has seen: a device they revoked could be in "
            "it. Nothing was sent. Ask your operator."
        )


class DeviceRevoked(ClientError):
    """A device that its owner has revoked sits in a conversation, and would read along."""

    code = "device_revoked"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"A device that {username} has revoked is in this conversation, and would read along. "
            "Nothing is sent here until it has been removed: ask a moderator."
        )


class WrongSafetyNumber(ClientError):
    """What somebody reads aloud is not the number of any identity that was seen here."""

    code = "wrong_safety_number"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"This is not the safety number of {username} as this device sees them: nothing was "
            "accepted. If it is what they read, somebody else speaks in their name."
        )


class NoKeys(ClientError):
    """Somebody has published no key packages that this device may use."""

    code = "no_keys"

    def __init__(self, username: str) -> None:
        super().__init__(f"{username} has no keys to begin a conversation with. Try again later.")


class BadTarget(ClientError):
    """The action cannot be done to this target."""

    code = "bad_target"
