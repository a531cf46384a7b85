"""RFC 9420, Messaging Layer Security, and nothing else: suites 0x0001 and 0x0003."""

from coterie.mls.commits import Commit, UpdatePath
from coterie.mls.errors import (
    DecodeError,
    MissingSecret,
    MLSError,
    Removed,
    SecretError,
    ValidationError,
    WrongEpoch,
    WrongGroup,
)
from coterie.mls.extensions import Extension, ExtensionType, RequiredCapabilities
from coterie.mls.framing import Sender, SenderType
from coterie.mls.group import Group, PendingCommit, Received
from coterie.mls.group_context import GroupContext
from coterie.mls.group_info import GroupInfo
from coterie.mls.key_packages import KeyPackage, KeyPackageSecrets, new_key_package
from coterie.mls.nodes import Capabilities, LeafNode, LeafNodeSource, ParentNode
from coterie.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from coterie.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK, ResumptionUsage
from coterie.mls.public_group import PublicGroup, StagedCommit
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import Suite, suite, verify_ed25519
from coterie.mls.welcome import Welcome

__all__ = [
    "Add",
    "Capabilities",
    "Commit",
    "DecodeError",
    "Extension",
    "ExtensionType",
    "ExternalInit",
    "ExternalPSK",
    "Group",
    "GroupContext",
    "GroupContextExtensions",
    "GroupInfo",
    "KeyPackage",
    "KeyPackageSecrets",
    "LeafNode",
    "LeafNodeSource",
    "MLSError",
    "MissingSecret",
    "ParentNode",
    "PendingCommit",
    "PreSharedKey",
    "PreSharedKeyID",
    "Proposal",
    "PublicGroup",
    "RatchetTree",
    "ReInit",
    "Received",
    "Remove",
    "Removed",
    "RequiredCapabilities",
    "ResumptionPSK",
    "ResumptionUsage",
    "SecretError",
    "Sender",
    "SenderType",
    "StagedCommit",
    "Suite",
    "Update",
    "UpdatePath",
    "ValidationError",
    "Welcome",
    "WrongEpoch",
    "WrongGroup",
    "new_key_package",
    "suite",
    "verify_ed25519",
]
