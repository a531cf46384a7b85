"""What a client of any implementation does, and ours as one of them."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from coterie.mls import (
    Capabilities,
    Group,
    KeyPackage,
    KeyPackageSecrets,
    Removed,
    new_key_package,
    suite,
)
from coterie.mls.framing import WireFormat, message_header
from coterie.mls.messages import decode_message

LABEL: Final = "coterie/1 content"
CONTEXT: Final = b"a conversation"
LENGTH: Final = 32


@dataclass(frozen=True)
class View:
    """What a client believes of its epoch: the same for all its members."""

    epoch: int
    exported: bytes
    tree_hash: bytes


@dataclass(frozen=True)
class Committed:
    """A commit its author has adopted."""

    commit: bytes
    welcome: bytes | None


class Client(Protocol):
    """A member, or one who may become one. Messages are MLSMessages."""

    name: str

    def key_package(self) -> bytes: ...
    def create(self, group_id: bytes) -> None: ...
    def join(self, welcome: bytes) -> None: ...

    def can_commit(self, adds: int, removes: Sequence[int]) -> bool:
        """Whether its API has a way to add so many and remove these leaves in one commit."""
        ...

    def commit(self, adds: Sequence[bytes], removes: Sequence[int]) -> Committed: ...

    def process(self, commit: bytes) -> bool:
        """Whether one is still a member."""
        ...

    def protect(self, data: bytes) -> bytes: ...
    def open(self, message: bytes) -> bytes: ...

    def restore(self) -> None:
        """Go on from what was saved."""
        ...

    def view(self) -> View: ...


@runtime_checkable
class OpenClient(Client, Protocol):
    """One that can also let others in from the outside, and enter so itself."""

    def group_info(self) -> bytes: ...

    def enter(self, group_info: bytes, *, resync: bool = False) -> bytes:
        """The external commit; with `resync` it removes the own old leaf."""
        ...


class OwnClient:
    """The core under test."""

    _package: KeyPackageSecrets
    group: Group

    def __init__(self, name: str, suite_id: int) -> None:
        self.name = name
        self._suite = suite(suite_id)
        self._capabilities = Capabilities(cipher_suites=(suite_id,))
        self._signature_private = secrets.token_bytes(32)

    def key_package(self) -> bytes:
        return message_header(WireFormat.KEY_PACKAGE) + self._new_package().package.encoded

    def _new_package(self) -> KeyPackageSecrets:
        now = int(time.time())
        self._package = new_key_package(
            self._suite,
            self.name.encode(),
            self._signature_private,
            capabilities=self._capabilities,
            lifetime=(now - 3600, now + 86400),
        )
        return self._package

    def create(self, group_id: bytes) -> None:
        self.group = Group.create(self._suite, group_id, self._new_package())

    def join(self, welcome: bytes) -> None:
        self.group = Group.join(self._suite, welcome, self._package)

    def can_commit(self, adds: int, removes: Sequence[int]) -> bool:
        return True

    def commit(self, adds: Sequence[bytes], removes: Sequence[int]) -> Committed:
        packages = [_package_in(message) for message in adds]
        made = self.group.commit(adds=packages, removes=removes, with_tree_in_welcome=True)
        self.group = made.group
        return Committed(made.commit, made.welcome)

    def process(self, commit: bytes) -> bool:
        try:
            self.group = self.group.process(commit)
        except Removed:
            return False
        return True

    def protect(self, data: bytes) -> bytes:
        message, self.group = self.group.protect(data)
        return message

    def open(self, message: bytes) -> bytes:
        received = self.group.process_message(message)
        self.group = received.group
        assert isinstance(received.content, bytes)
        return received.content

    def group_info(self) -> bytes:
        return self.group.group_info()

    def enter(self, group_info: bytes, *, resync: bool = False) -> bytes:
        made = Group.join_externally(
            group_info,
            self.name.encode(),
            self._signature_private,
            capabilities=self._capabilities,
            removes=[self.group.own_leaf] if resync else (),
        )
        self.group = made.group
        return made.commit

    def restore(self) -> None:
        self.group = Group.decode(self.group.encode())

    def view(self) -> View:
        tree_hash = self.group.public.context.tree_hash
        return View(self.group.epoch, self.group.export(LABEL, CONTEXT, LENGTH), tree_hash)


def _package_in(message: bytes) -> KeyPackage:
    package = decode_message(message)
    assert isinstance(package, KeyPackage)
    return package
