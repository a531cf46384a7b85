"""A server that shows an older list of somebody's devices, or one that contradicts a newer."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from msgspec.structs import replace

from coterie.governance.certificates import certify
from coterie.governance.device_lists import DeviceList
from coterie.governance.leaves import CAPABILITIES, new_seat, seat_extension
from coterie.governance.signatures import hash_of, new_key
from coterie.governance.warrants import DeviceListItem, encode_warrants
from coterie.mls import Group
from coterie.protocol.chain import next_link
from coterie.protocol.commands import (
    Accepted,
    Account,
    ClaimedKeyPackages,
    ClaimKeyPackages,
    Entries,
    Entry,
    GetAccount,
    ListEntries,
    SendMessage,
)
from coterie.protocol.header import EntryKind
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import DeviceRevoked, StaleDeviceList
from coterie.sdk.log import Log
from coterie.sdk.recovery import RecoveryCode, open_identity
from coterie.sdk.vault.accounts import put_account
from tests.sdk.people import PASSWORD, People, gather_in, look, texts
from tests.sdk.proxy import Liar


class Bela:
    """She has had a second device, which was stolen, and has revoked it: lists of 1 to 3.

    No client adds or revokes devices yet, so she makes her lists here, by her recovery code.
    """

    client: Client
    first: DeviceList
    second: DeviceList
    newest: DeviceList

    def __init__(self, people: People) -> None:
        self._people = people
        self._thief, self._thiefs_key = new_key()
        self._thiefs_id = uuid4()
        self._moment = time.time_ns() // 1_000_000

    async def sign_up(self) -> None:
        home = self._people.homes / "bela"
        client, code = await Client.sign_up(home, self._people.server, "bela", PASSWORD)
        await client.close()
        await self._make_lists(code)
        self.client = self._people.again("bela")

    async def _make_lists(self, code: RecoveryCode) -> None:
        profile = open_profile(self._people.homes / "bela")
        account = profile.account
        sealed = (await profile.connection.call(GetAccount(), Account)).sealed_identity
        self.seed = open_identity(code, sealed, account.user_id.bytes, account.identity_key)
        self.first = DeviceList.decode(account.device_list)
        stolen = self._thiefs_id, self._thiefs_key, self._moment
        self.second = self.first.with_device(self.seed, *stolen)
        self.newest = self.second.with_revoked(self.seed, self._thiefs_id, self._moment + 1)
        known = replace(account, device_list=self.newest.encode())
        await profile.vault.write(lambda tx: put_account(tx, known))
        await profile.close()

    def elsewhere(self, previous: DeviceList) -> DeviceList:
        """Another next version than the true one."""
        return previous.with_device(self.seed, uuid4(), new_key()[1], self._moment)

    def thief_enters(self, log: Log) -> bytes:
        """The commit by which the stolen device enters with the list that still named it."""
        stolen = self.first.user_id, self._thiefs_id, self._thiefs_key, self._moment
        return Group.join_externally(
            log.group.group_info(),
            certify(self.seed, *stolen).encode(),
            self._thief,
            capabilities=CAPABILITIES,
            leaf_extensions=[seat_extension(new_seat())],
            authenticated_data=encode_warrants([DeviceListItem(self.second)]),
        ).commit


@pytest.fixture
async def bela(people: People) -> Bela:
    bela = Bela(people)
    await bela.sign_up()
    return bela


LISTS: dict[str, Callable[[Bela], DeviceList]] = {
    "the first": lambda bela: bela.first,
    "one that still names the stolen device": lambda bela: bela.second,
    "another of the same version": lambda bela: bela.elsewhere(bela.second),
    "one that follows another": lambda bela: bela.elsewhere(bela.elsewhere(bela.second)),
    "a later one that forgets the revocation": lambda bela: bela.elsewhere(
        bela.elsewhere(bela.elsewhere(bela.second))
    ),
}


@pytest.mark.parametrize("shown", LISTS)
async def test_a_list_older_than_one_seen_is_refused(
    liar: Liar, bela: Bela, dora: Client, shown: str
) -> None:
    """Dora has seen the newest in the commit by which bela came."""
    club = await gather_in("club", dora, bela.client)
    await dora.members(club)
    told = LISTS[shown](bela).encode()

    def forge(true: ClaimedKeyPackages, _: dict[str, str]) -> ClaimedKeyPackages:
        return replace(true, device_list=told)

    liar[0].forge(ClaimKeyPackages, forge)
    with pytest.raises(StaleDeviceList):
        await dora.send("@bela", "a secret")
    assert await bela.client.people() == []
    told = bela.newest.encode()
    await dora.send("@bela", "a secret")
    assert await texts(bela.client, "@dora") == ["a secret"]


async def test_an_older_list_is_refused_at_first_contact_too(bela: Bela, dora: Client) -> None:
    """The list is of the identity, which dora has met without a name."""
    await gather_in("club", dora, bela.client)
    await dora.sync()
    with pytest.raises(StaleDeviceList):
        await dora.block("bela")  # the server has the first of her lists


async def test_nothing_is_sent_where_a_revoked_device_sits(
    people: People, liar: Liar, bela: Bela, dora: Client
) -> None:
    """The server lets it in again, with the list that named it: `accept` sees no other."""
    club = await gather_in("club", dora, bela.client)
    await dora.members(club)
    await dora.send(club, "all is well")
    seq, link = await look(
        people.homes / "dora", club, lambda log: (log.record.cursor, log.record.link)
    )
    commit = await look(people.homes / "dora", club, bela.thief_enters)
    entry = Entry(
        seq=seq + 1,
        kind=EntryKind.COMMIT,
        epoch=0,
        sender_id=bela.client.user_id,
        device_id=uuid4(),
        message_id=None,
        content=commit,
        hash=hash_of(commit),
        created_at=datetime.now(UTC),
    )
    chain = next_link(link, entry.seq, entry.hash)

    def forge(true: Entries, _: dict[str, str]) -> Entries:
        entries = [] if any(asked) else [entry]
        asked.append(True)
        return Entries(entries=entries, chain=chain, more=False)

    asked: list[bool] = []
    liar[0].forge(ListEntries, forge)
    liar[0].answer(SendMessage, Accepted(message_id=1, seq=seq + 2, created_at=entry.created_at))
    with pytest.raises(DeviceRevoked, match="bela has revoked"):
        await dora.send(club, "who reads this?")
