"""Blocks: from whom one takes no direct messages."""

from coterie.protocol.commands import (
    BlockedUser,
    Blocks,
    BlockUser,
    Done,
    ListBlocks,
    UnblockUser,
)
from coterie.protocol.errors import Malformed, NotFound, Refused
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, blocks
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import Parted


async def block_user(tx: Tx, actor: Actor, command: BlockUser) -> Done:
    if command.user_id == actor.user_id:
        raise Refused(Malformed("nobody blocks themselves"))
    if await accounts.get_person(tx, command.user_id) is None:
        raise Refused(NotFound("user"))
    await blocks.add_block(tx, actor.user_id, command.user_id)
    tx.announce(Parted(actor.user_id, command.user_id))
    return Done()


async def unblock_user(tx: Tx, actor: Actor, command: UnblockUser) -> Done:
    await blocks.remove_block(tx, actor.user_id, command.user_id)
    return Done()


async def list_blocks(tx: Tx, actor: Actor, command: ListBlocks) -> Blocks:
    found = await blocks.list_blocks(tx, actor.user_id, command.after, command.limit + 1)
    page = found[: command.limit]
    return Blocks(
        blocks=[BlockedUser(user_id=view.user_id, username=view.username) for view in page],
        more=len(found) > len(page),
    )
