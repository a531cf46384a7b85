"""A conversation as the store has it, open in one transaction: what entries are applied to."""

from functools import cached_property
from uuid import UUID

from coterie.governance.state import GroupState
from coterie.mls import Group, PublicGroup
from coterie.protocol.chain import next_link
from coterie.sdk.errors import NotFoundHere
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.chains import put_link
from coterie.sdk.vault.conversations import (
    get_conversation,
    get_group_states,
    put_conversation,
    put_group_states,
    remove_group_states,
)
from coterie.sdk.vault.epochs import get_epoch
from coterie.sdk.vault.records import (
    AccountRecord,
    ConversationRecord,
    EpochRecord,
    GroupStatesRecord,
    Principal,
    Standing,
)


class Log:
    """A conversation as it stands in the store, for the length of one transaction."""

    def __init__(self, tx: Transaction, account: AccountRecord, record: ConversationRecord) -> None:
        self.tx = tx
        self.account = account
        self.record = record
        self.came: set[Principal] = set()
        """Who took a seat in it meanwhile; they may have gone again."""
        self._advanced = self._keys_changed = False

    @classmethod
    def load(cls, tx: Transaction, account: AccountRecord, conversation_id: UUID) -> "Log":
        """Raises NotFoundHere."""
        record = get_conversation(tx, conversation_id)
        if record is None:
            raise NotFoundHere("This device does not know that conversation.")
        return cls(tx, account, record)

    @property
    def conversation_id(self) -> UUID:
        return self.record.conversation_id

    @cached_property
    def group(self) -> Group:
        """The secret state, of `record.keyed_epoch`."""
        stored = self._states.secret
        return self.tx.recall(self._place(b"secret"), stored, lambda: Group.decode(stored))

    @cached_property
    def public(self) -> PublicGroup:
        """The public state, of `record.epoch`."""
        stored = self._states.public
        if stored is None:
            return self.group.public
        return self.tx.recall(self._place(b"public"), stored, lambda: PublicGroup.decode(stored))

    @cached_property
    def state(self) -> GroupState:
        """The signed state, of `record.epoch`."""
        return GroupState.decode(self.record.state)

    @property
    def keyed(self) -> bool:
        """Whether this device has the secrets of the newest epoch."""
        return self.record.keyed_epoch == self.record.epoch

    @cached_property
    def _states(self) -> GroupStatesRecord:
        states = get_group_states(self.tx, self.conversation_id)
        if states is None:
            raise NotFoundHere("This device has no keys for that conversation.")
        return states

    def epoch(self) -> EpochRecord:
        """What is kept of the newest epoch."""
        found = get_epoch(self.tx, self.conversation_id, self.record.epoch)
        assert found is not None, "every epoch entered is kept"  # noqa: S101
        return found

    def advance(self, public: PublicGroup, group: Group | None, state: GroupState) -> None:
        """To the next epoch; without `group`, in public only."""
        self.public, self.state = public, state
        self.record.epoch, self.record.state = public.epoch, state.encode()
        if group is not None:
            self.group, self.record.keyed_epoch = group, group.epoch
            self._keys_changed = True
        self._advanced = True

    def step(self, seq: int, entry_hash: bytes) -> None:
        """Past one more entry."""
        self.record.link = next_link(self.record.link, seq, entry_hash)
        self.record.cursor = seq
        put_link(self.tx, self.conversation_id, seq, self.record.link)

    def save(self) -> None:
        put_conversation(self.tx, self.record)
        if self.record.standing is Standing.REMOVED:
            remove_group_states(self.tx, self.conversation_id)
            self.tx.forget(self._place(b"secret"))
        elif self._advanced:
            self._save_states()

    def _save_states(self) -> None:
        if self._keys_changed:
            secret = self.group.encode()
            self.tx.remember(self._place(b"secret"), secret, self.group)
        else:
            secret = self._states.secret
        public = None if self.keyed else self.public.encode()
        if public is not None:
            self.tx.remember(self._place(b"public"), public, self.public)
        put_group_states(self.tx, self.conversation_id, GroupStatesRecord(secret, public))

    def _place(self, half: bytes) -> bytes:
        return half + self.conversation_id.bytes
