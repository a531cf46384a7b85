"""People who may not write to this person directly."""

from coterie.protocol.commands import BlockedUser, Blocks, BlockUser, Done, ListBlocks, UnblockUser
from coterie.sdk.paging import list_all
from coterie.sdk.pins import find_person
from coterie.sdk.profile import Profile
from coterie.sdk.views import Person


async def block(profile: Profile, username: str) -> None:
    who = await find_person(profile, username)
    await profile.connection.call(BlockUser(user_id=who.user_id), Done)


async def unblock(profile: Profile, username: str) -> None:
    who = await find_person(profile, username)
    await profile.connection.call(UnblockUser(user_id=who.user_id), Done)


async def list_blocks(profile: Profile) -> list[Person]:
    def rows(page: Blocks) -> list[BlockedUser]:
        return page.blocks

    listed = await list_all(
        profile.connection,
        lambda after: ListBlocks(after=after),
        Blocks,
        rows,
        lambda one: one.user_id,
    )
    return [Person(user_id=one.user_id, username=one.username) for one in listed]
