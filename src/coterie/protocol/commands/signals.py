"""What is told to others and kept nowhere: that somebody types, that somebody is there."""

from uuid import UUID

from coterie.protocol.commands.shapes import Command


class ShowTyping(Command, frozen=True, kw_only=True):
    """This person writes something. Said again every `limits.TYPING_REPEAT_SECONDS`; who hears it
    forgets it after `limits.TYPING_SECONDS`."""

    conversation_id: UUID


class ShowPresence(Command, frozen=True, kw_only=True):
    """Let others see that this person is there, for as long as a socket of theirs is open; or no
    longer. Only who shows it is told of others, and only of those they share a conversation with.
    """

    here: bool
