"""Every limit of the system, by name. Sizes in bytes, times in seconds."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# names and texts
USERNAME_LENGTH: Final = (2, 32)
USERNAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{1,31}(?!\n)$"
RESERVED_USERNAMES: Final = ("everyone",)
"""They mean something else in a text."""
PASSWORD_LENGTH: Final = (8, 256)
GROUP_NAME_LENGTH: Final = 100
GROUP_NAME_BYTES: Final = 400
DESCRIPTION_LENGTH: Final = 2_000
REASON_LENGTH: Final = 500
TEXT_BYTES: Final = 32 * KIB
EMOJI_BYTES: Final = 64
MENTIONS_PER_MESSAGE: Final = 50
AVATAR_BYTES: Final = 1 * MIB

# requests and frames
LARGEST_NUMBER: Final = 2**53 - 1
"""What JSON holds exactly in every language."""
BODY_BYTES: Final = 4 * MIB
ANSWER_BYTES: Final = 24 * MIB
"""What a client reads of an answer. The largest shows a link: two trees, an anchor and nine
GroupInfos, in base64."""
EVENT_BYTES: Final = 2 * MIB
"""What a client reads of a pushed frame. The largest holds a commit."""
FRAME_BYTES: Final = 128 * KIB
ENTRY_BYTES: Final = 64 * KIB
MUTE_SECONDS: Final = (1, 365 * DAY)
UNREAD_COUNTED: Final = 1_000
"""Messages looked at to count the unread ones of a conversation."""
PAGE_ENTRIES: Final = 500
PAGE_BYTES: Final = 4 * MIB
PAGE_CURSORS: Final = 100
"""Conversations that one asks about at once."""
NEW_ENTRIES: Final = 2_000
"""Of all of them together."""
PAGE_ROWS: Final = 200
DEFAULT_PAGE_ROWS: Final = 100
READ_MESSAGES: Final = 1_000
DEFAULT_READ_MESSAGES: Final = 50

# the log and the hot path
QUEUE_MESSAGES: Final = 20_000
DEFERRED_MESSAGES: Final = 256
"""Messages that wait for one which is being written, because they repeat or answer it."""
BATCH_MESSAGES: Final = 1_000
BATCH_BYTES: Final = 4 * MIB
UNSENT_BYTES: Final = 1 * MIB
SOCKET_HELLO_SECONDS: Final = 10
SOCKET_PING_SECONDS: Final = 30
SOCKET_SESSION_SECONDS: Final = 10 * MINUTE
SOCKETS_PER_ACCOUNT: Final = 50
SILENT_SOCKETS_PER_ADDRESS: Final = 200
"""Open, and not yet told who they are."""
OPENING_SOCKETS: Final = 2
"""So many are let in at once, and so many tokens looked up: the rest of a stampede waits, and
leaves the database to those who are in."""
COMMANDS_AT_ONCE: Final = 16
"""Of one account, whatever they come by; without one, of one address."""
RATE_LIMITED_SECONDS: Final = 0.25
"""How long whoever asks too often waits to be told so, which is one of those at once."""
SOCKET_ANSWER_BYTES: Final = 512 * KIB
FOREIGN_HEADS: Final = 8
TYPING_REPEAT_SECONDS: Final = 4
TYPING_SECONDS: Final = 8
PRESENCE_GRACE_SECONDS: Final = 20
"""Who comes back so soon has not been away."""
SIGNALLED_SOCKETS: Final = 200
"""In a conversation with more of them nobody is told who types, or is there."""
SIGNAL_UNSENT_BYTES: Final = 64 * KIB
"""Who has more than this to read is not told either."""

# groups (the first five are rules of `accept`: they belong to the version of the role table)
LEAVES_PER_USER: Final = 10
LEAVES_PER_GROUP: Final = 2_000
PROPOSALS_PER_COMMIT: Final = 200
COMMIT_BYTES: Final = 1 * MIB
STATE_BYTES: Final = 64 * KIB
ROLES_PER_GROUP: Final = 200
INVITES_PER_GROUP: Final = 50
BANS_PER_GROUP: Final = 500
GROUPS_PER_ACCOUNT: Final = 500
NEW_ANCHOR_BYTES: Final = 32 * KIB
"""Epoch 0 has one leaf: its context and tree together."""
GROUP_INFOS_PER_EPOCH: Final = 8
SLOW_MODE_SECONDS: Final = 6 * HOUR
"""The longest that a group may ask of its members between two messages."""
PINS_PER_CONVERSATION: Final = 50
INVITE_SECONDS: Final = (1, 365 * DAY)
INVITE_USES: Final = 10_000
REACTIONS_PER_USER_AND_MESSAGE: Final = 20

# keys
KEY_PACKAGE_BYTES: Final = 4 * KIB
KEY_PACKAGES_PER_DEVICE: Final = 100
KEY_PACKAGE_POOL: Final = 20
KEY_PACKAGE_SECONDS: Final = 90 * DAY
UPDATE_SECONDS: Final = 7 * DAY
DEVICES_PER_USER: Final = LEAVES_PER_USER
DEVICE_LIST_BYTES: Final = 20 * KIB

# files
FILE_BYTES: Final = 2 * GIB
FILES_PER_MESSAGE: Final = 10
QUOTA_BYTES: Final = 10 * GIB
FILE_CHUNK_BYTES: Final = 64 * KIB
UPLOAD_PART_BYTES: Final = 16 * MIB
"""What a client sends at once: so much, at most, is sent again after a cut."""
DOWNLOAD_IDLE_SECONDS: Final = MINUTE
"""How long the server waits for a reader that takes nothing."""
UPLOAD_IDLE_SECONDS: Final = MINUTE
"""How long the server waits for the next byte of an upload."""
TRANSFER_SECONDS: Final = 2 * MINUTE
"""How long a client tries to go on with a file without a byte of progress: longer than the server
holds on to an upload whose cut it has not noticed."""
UNATTACHED_SECONDS: Final = 24 * HOUR

# sessions and rates: (how many, in how many seconds)
SESSION_SECONDS: Final = 90 * DAY
ADDRESS_BITS: Final = 64
"""So many bits of an address of IPv6 count as who somebody is: the rest is theirs to choose."""
GREETINGS_PER_ADDRESS: Final = (600, MINUTE)
"""Looks at what server this is."""
WRONG_TOKENS_PER_ADDRESS: Final = (100, MINUTE)
"""Then no token that is not remembered is looked up for that address."""
SIGNUPS_PER_ADDRESS: Final = (60, HOUR)
LOGINS_PER_ADDRESS: Final = (60, 10 * MINUTE)
LOGINS_PER_ACCOUNT: Final = (10, 10 * MINUTE)
KEY_CLAIMS_PER_ACCOUNT: Final = (300, HOUR)
KEY_CLAIMS_PER_PERSON: Final = (10, HOUR)
"""Of the packages of one person, by one account."""
INVITE_LOOKUPS_PER_ACCOUNT: Final = (600, HOUR)
DIRECT_REQUESTS_PER_ACCOUNT: Final = (200, DAY)
UPDATES_PER_DEVICE: Final = (1, HOUR)
RESYNCS_PER_DEVICE: Final = (20, HOUR)
FILES_PER_ACCOUNT: Final = (600, HOUR)
TYPING_PER_ACCOUNT: Final = (60, MINUTE)
PRESENCE_PER_ACCOUNT: Final = (20, MINUTE)
REFUSED_COMMITS_PER_ACCOUNT: Final = (100, 10 * MINUTE)
ENTRIES_PER_SECOND: Final = 200
"""Of one account in the long run; an operator may choose otherwise."""
ENTRIES_BURST_SECONDS: Final = 50
"""So many seconds' worth may come at once."""
CONVERSATION_ACCOUNTS: Final = 5
"""In the long run a conversation takes as many messages as so many accounts may write."""
CONVERSATION_BURST_SECONDS: Final = 15

# PostgreSQL
LOCK_SECONDS: Final = 2

# an operator's machine: when its doctor complains
FREE_BYTES_LOW: Final = 5 * GIB
FREE_BYTES_LEAST: Final = 512 * MIB
CLOCK_SECONDS: Final = 5
