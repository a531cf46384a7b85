// Written by tools/generate.py from src/coterie/protocol. Do not edit.

/** base64 in JSON, raw in msgpack. */
export type Bytes = Uint8Array;
/** Text in JSON, 16 bytes in msgpack. */
export type Uuid = string;
/** RFC 3339 in JSON, a timestamp in msgpack. */
export type Instant = Date;

export const Role = {
  MEMBER: "member",
  MODERATOR: "moderator",
  ADMIN: "admin",
  OWNER: "owner",
} as const;
export type Role = (typeof Role)[keyof typeof Role];

export const Action = {
  READ: "read",
  SEND: "send",
  REACT: "react",
  UPLOAD: "upload",
  EDIT_OWN: "edit_own",
  DELETE_OWN: "delete_own",
  SKIP_SLOW_MODE: "skip_slow_mode",
  DELETE_OTHERS: "delete_others",
  PIN: "pin",
  INVITE: "invite",
  LIST_INVITES: "list_invites",
  REVOKE_INVITE: "revoke_invite",
  ADD: "add",
  KICK: "kick",
  BAN: "ban",
  UNBAN: "unban",
  SEE_BANS: "see_bans",
  SEE_AUDIT: "see_audit",
  UPDATE_GROUP: "update_group",
  SET_ROLE: "set_role",
  SET_POLICY: "set_policy",
  TRANSFER: "transfer",
  DELETE_GROUP: "delete_group",
  LEAVE: "leave",
} as const;
export type Action = (typeof Action)[keyof typeof Action];

/** What somebody who joins may read of the time before. */
export const History = {
  SINCE_JOIN: 0,
  ALL: 1,
} as const;
export type History = (typeof History)[keyof typeof History];

/** Who may make invite links: a setting of the group. */
export const Inviters = {
  MODERATORS: 0,
  MEMBERS: 1,
} as const;
export type Inviters = (typeof Inviters)[keyof typeof Inviters];

/** What an entry of a conversation's log is. The first five stand in headers. */
export const EntryKind = {
  MESSAGE: 1,
  EDIT: 2,
  DELETION: 3,
  REACTION: 4,
  PIN: 5,
  STATEMENT: 6,
  COMMIT: 7,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export const ReactionOp = {
  REMOVE: 0,
  ADD: 1,
} as const;
export type ReactionOp = (typeof ReactionOp)[keyof typeof ReactionOp];

/** Something done to somebody else, or to the group. What people drop of their own is none. */
export const Act = {
  KICK: "kick",
  BAN: "ban",
  UNBAN: "unban",
  SET_ROLE: "set_role",
  TRANSFER: "transfer",
  DELETE_MESSAGE: "delete_message",
  PIN: "pin",
  UNPIN: "unpin",
  CREATE_INVITE: "create_invite",
  REVOKE_INVITE: "revoke_invite",
  UPDATE_GROUP: "update_group",
} as const;
export type Act = (typeof Act)[keyof typeof Act];

export type Account = {
  readonly user_id: Uuid;
  readonly username: string;
  readonly device_id: Uuid;
  readonly sealed_identity: Bytes;
  readonly device_list: Bytes;
  readonly key_packages: number;
  readonly used_bytes: number;
  readonly quota_bytes: number;
};

export type User = {
  readonly user_id: Uuid;
  readonly username: string;
  readonly identity_key: Bytes;
  readonly device_list: Bytes;
};

export type Users = {
  readonly users: readonly User[];
};

/** The newest first. */
export type Audit = {
  readonly entries: readonly AuditEntry[];
  readonly more: boolean;
};

/**
 * Who did what, when and why. Usernames are as of now, None for an account that has ended.
 *
 * `target_id` is whom it was done to, or whose link or message; `message_id` which message.
 * `detail` is the role given, the code of the link, or the settings changed.
 */
export type AuditEntry = {
  readonly audit_id: number;
  readonly actor_id: Uuid;
  readonly actor_username: string | null;
  readonly act: Act;
  readonly target_id: Uuid | null;
  readonly target_username: string | null;
  readonly message_id: number | null;
  readonly detail: string | null;
  readonly reason: string | null;
  readonly created_at: Instant;
};

export type Ban = {
  readonly user_id: Uuid;
  readonly username: string;
  readonly identity_key: Bytes;
  readonly banned_by: Uuid;
  readonly reason: string | null;
  readonly banned_at: Instant;
};

export type Bans = {
  readonly bans: readonly Ban[];
  readonly more: boolean;
};

export type BlockedUser = {
  readonly user_id: Uuid;
  readonly username: string;
};

export type Blocks = {
  readonly blocks: readonly BlockedUser[];
  readonly more: boolean;
};

/**
 * `group_id` is None in a direct conversation, `peer` is None in a group.
 *
 * `joined_seq` is the first entry this member may read: their own commit, or the Add. `read_seq`
 * is the last that they said they have read, 0 before that.
 */
export type Conversation = {
  readonly conversation_id: Uuid;
  readonly group_id: Uuid | null;
  readonly peer: User | null;
  readonly epoch: number;
  readonly seq: number;
  readonly joined_seq: number;
  readonly read_seq: number;
  readonly removal_pending: boolean;
};

export type Conversations = {
  readonly conversations: readonly Conversation[];
  readonly more: boolean;
};

/** As many commits as fit a page: ask again from `epoch + len(commits)` while `more`. */
export type Commits = {
  readonly commits: readonly Bytes[];
  readonly more: boolean;
};

/**
 * The GroupInfo candidates of the newest epoch (by several signers), and its tree.
 *
 * The one by the last committer comes last: prefer another signer's.
 */
export type GroupInfos = {
  readonly epoch: number;
  readonly seq: number;
  readonly group_infos: readonly Bytes[];
  readonly ratchet_tree: Bytes;
};

export type PendingWelcome = {
  readonly conversation_id: Uuid;
  readonly epoch: number;
  readonly seq: number;
  readonly chain_before: Bytes;
  readonly welcome: Bytes;
  readonly ratchet_tree: Bytes;
};

export type Welcomes = {
  readonly welcomes: readonly PendingWelcome[];
};

export type ClaimedKeyPackages = {
  readonly key_packages: readonly Bytes[];
  readonly device_list: Bytes;
};

export type KeyPackageCount = {
  readonly key_packages: number;
};

/** `server_key` is the Ed25519 key that signs the server's statements. */
export type ServerInfo = {
  readonly version: string;
  readonly registration: string;
  readonly server_key: Bytes;
};

/** `chain` is the chain value at the last entry of the page (at `after` for an empty one). */
export type Entries = {
  readonly entries: readonly Entry[];
  readonly chain: Bytes;
  readonly more: boolean;
};

/**
 * One entry of a conversation's log.
 *
 * `content` is the exact bytes sent, or None when a deletion or a newer edit destroyed them: then
 * `hash` still stands for them in the chain. `message_id` is the message it is or it targets.
 */
export type Entry = readonly [seq: number, kind: EntryKind, epoch: number, sender_id: Uuid, device_id: Uuid, message_id: number | null, content: Bytes | null, hash: Bytes, created_at: Instant];

/**
 * In the order asked for: a conversation without a page has no new entry, or is none of this
 * person's. `full`: or there was no room for it, for all together are bounded.
 */
export type NewEntries = {
  readonly pages: readonly NewPage[];
  readonly full: boolean;
};

export type NewPage = {
  readonly entries: readonly Entry[];
  readonly chain: Bytes;
  readonly more: boolean;
  readonly conversation_id: Uuid;
};

/** Somebody has a conversation's log as far as entry `after`. */
export type ReadCursor = {
  readonly conversation_id: Uuid;
  readonly after?: number;
};

/** `uploaded`: the bytes are there already (a repeated request). */
export type FileReserved = {
  readonly file_id: Uuid;
  readonly uploaded: boolean;
};

/** `slow_mode_seconds`: between two messages of a member below moderator; 0 for none. */
export type Group = {
  readonly group_id: Uuid;
  readonly name: string;
  readonly description: string | null;
  readonly owner_id: Uuid;
  readonly role: Role;
  readonly members: number;
  readonly epoch: number;
  readonly history: History;
  readonly inviters: Inviters;
  readonly slow_mode_seconds: number;
  readonly created_at: Instant;
};

/** `ended`: expired or used up, its entry still in the signed state. */
export type Invite = {
  readonly invite_id: Uuid;
  readonly code: string;
  readonly invite_key: Bytes;
  readonly created_by: Uuid;
  readonly expires_at: Instant | null;
  readonly max_uses: number | null;
  readonly uses: number;
  readonly ended: boolean;
  readonly created_at: Instant;
};

/** `anchor` is the epoch the link's own commit made, `anchor_epoch`. */
export type InviteDetails = {
  readonly group_id: Uuid;
  readonly name: string;
  readonly sealed_anchor: Bytes;
  readonly anchor: Anchor;
  readonly anchor_epoch: number;
  readonly group_infos: GroupInfos;
};

export type Invites = {
  readonly invites: readonly Invite[];
  readonly more: boolean;
};

export type Member = {
  readonly user_id: Uuid;
  readonly username: string;
  readonly identity_key: Bytes;
  readonly role: Role;
  readonly joined_at: Instant;
};

export type Members = {
  readonly members: readonly Member[];
  readonly more: boolean;
};

/** `token` goes into `Authorization: Bearer …`. */
export type Session = {
  readonly token: string;
  readonly user_id: Uuid;
  readonly device_id: Uuid;
  readonly expires_at: Instant;
};

/** An entry was written to the log. `message_id` is the message it is or it targets. */
export type Accepted = {
  readonly message_id: number;
  readonly seq: number;
  readonly created_at: Instant;
};

/** The public state of one epoch, complete: what a chain of commits can be verified from. */
export type Anchor = {
  readonly group_context: Bytes;
  readonly ratchet_tree: Bytes;
  readonly confirmation_tag: Bytes;
};

/**
 * An MLS commit on its way to be ordered: the step from `epoch` to `epoch + 1`.
 *
 * `group_info` is the GroupInfo of the epoch it makes: with external_pub, without the tree.
 */
export type Commit = {
  readonly epoch: number;
  readonly content: Bytes;
  readonly group_info: Bytes;
};

/** It happened, or had happened already. */
export type Done = Record<string, never>;

/**
 * The commit was given its place: entry `seq` of the log, beginning of `epoch`.
 *
 * `chain_before` is chain(seq - 1): where the log of somebody who enters begins.
 * A commit sent again is answered as the first time.
 */
export type Ordered = {
  readonly conversation_id: Uuid;
  readonly seq: number;
  readonly epoch: number;
  readonly chain_before: Bytes;
};

/** What a client must know before it has an account. */
export type GetServer = Record<string, never>;

/**
 * Make an account with its first device.
 *
 * `sealed_identity` is the identity's private key, sealed under the recovery code: nonce 24 ‖
 * XChaCha20-Poly1305. `registration_code` is asked for where registration is by invitation.
 */
export type SignUp = {
  readonly username: string;
  readonly password: string;
  readonly user_id: Uuid;
  readonly device_id: Uuid;
  readonly certificate: Bytes;
  readonly device_key: Bytes;
  readonly sealed_identity: Bytes;
  readonly device_list: Bytes;
  readonly registration_code?: string | null;
};

/** A new session for a device the account has already. */
export type LogIn = {
  readonly username: string;
  readonly password: string;
  readonly device_id: Uuid;
};

/** End the session of this request. */
export type LogOut = Record<string, never>;

/** One's own account. */
export type GetAccount = Record<string, never>;

/** Somebody, by exact name. */
export type GetUser = {
  readonly username: string;
};

/**
 * Those of these ids who have an account, in no order; of others nothing is said.
 *
 * An id is learnt only by having met: it says less than a name, by which anybody is looked up.
 */
export type ListUsers = {
  readonly user_ids: readonly Uuid[];
};

/** Add one-time packages to this device's pool; `last_resort` replaces the one kept. */
export type PublishKeyPackages = {
  readonly key_packages: readonly Bytes[];
  readonly last_resort?: Bytes | null;
};

/** One package of each active device of somebody; a one-time package is given out once. */
export type ClaimKeyPackages = {
  readonly user_id: Uuid;
};

export type ListBlocks = {
  readonly after?: Uuid | null;
  readonly limit?: number;
};

export type BlockUser = {
  readonly user_id: Uuid;
};

export type UnblockUser = {
  readonly user_id: Uuid;
};

export type ListConversations = {
  readonly after?: Uuid | null;
  readonly limit?: number;
};

export type GetConversation = {
  readonly conversation_id: Uuid;
};

/** This person has read up to entry `seq`. It never goes back; their own devices are told. */
export type MarkRead = {
  readonly conversation_id: Uuid;
  readonly seq: number;
};

/**
 * This person writes something. Said again every `limits.TYPING_REPEAT_SECONDS`; who hears it
 * forgets it after `limits.TYPING_SECONDS`.
 */
export type ShowTyping = {
  readonly conversation_id: Uuid;
};

/**
 * Let others see that this person is there, for as long as a socket of theirs is open; or no
 * longer. Only who shows it is told of others, and only of those they share a conversation with.
 */
export type ShowPresence = {
  readonly here: boolean;
};

/** The log after entry `after`, oldest first, as far as this member may read it. */
export type ListEntries = {
  readonly conversation_id: Uuid;
  readonly after?: number;
  readonly limit?: number;
};

/**
 * What follows in several conversations, at most `limit` entries of each: `ListEntries` for
 * whoever comes back after a while.
 */
export type ListNewEntries = {
  readonly cursors: readonly ReadCursor[];
  readonly limit?: number;
};

export type GetAnchor = {
  readonly conversation_id: Uuid;
  readonly epoch?: number;
};

/** The commits from `epoch` on, in order, for whoever verifies the chain. */
export type ListCommits = {
  readonly conversation_id: Uuid;
  readonly epoch?: number;
};

/**
 * Order a commit that needs no right: an update of one's own leaf, a resync, the removal of
 * somebody who left, a further device of one's own, the dropping of one's own role or invites.
 */
export type AdvanceEpoch = {
  readonly conversation_id: Uuid;
  readonly commit: Commit;
};

/** What an external commit needs, for a member: to resynchronise or to add a device. */
export type GetGroupInfo = {
  readonly conversation_id: Uuid;
};

/** A corrected GroupInfo of the newest epoch, by a member who found external_pub false. */
export type PublishGroupInfo = {
  readonly conversation_id: Uuid;
  readonly epoch: number;
  readonly group_info: Bytes;
};

/**
 * `entry` is `header ‖ nonce ‖ ciphertext`, kind 1; a reply names its target in the header.
 * `file_ids` are attached in the same transaction.
 */
export type SendMessage = {
  readonly conversation_id: Uuid;
  readonly entry: Bytes;
  readonly file_ids?: readonly Uuid[];
};

/** `entry` is of kind 2; `edit_no` rises with each edit of a message. */
export type EditMessage = {
  readonly conversation_id: Uuid;
  readonly entry: Bytes;
  readonly edit_no: number;
};

/**
 * `entry` is of kind 3. Leaves a tombstone; destroys the ciphertexts and the files.
 *
 * `reason` is kept, for moderators, where somebody deletes another's message in a group.
 */
export type DeleteMessage = {
  readonly conversation_id: Uuid;
  readonly entry: Bytes;
  readonly reason?: string | null;
};

/** `entry` is of kind 4; repeating the present state writes nothing. */
export type ReactToMessage = {
  readonly conversation_id: Uuid;
  readonly entry: Bytes;
};

/** `entry` is of kind 5; `pin_no` rises each time a message is pinned or unpinned. */
export type PinMessage = {
  readonly conversation_id: Uuid;
  readonly entry: Bytes;
  readonly pin_no: number;
  readonly pinned: boolean;
};

/**
 * Announce an upload: `/files/{file_id}/content` takes exactly `size_bytes` after it, whole
 * (`PUT`) or in pieces (tus 1.0).
 *
 * `filename` is encrypted, base64url; `encryption_header` is the secretstream header.
 */
export type ReserveFile = {
  readonly conversation_id: Uuid;
  readonly file_id: Uuid;
  readonly filename: string;
  readonly size_bytes: number;
  readonly encryption_header: Bytes;
};

/** Give up an upload that was not attached. */
export type DiscardFile = {
  readonly file_id: Uuid;
};

/**
 * Begin a direct conversation: epoch 0 of the maker, the Add of the other, the Welcome.
 *
 * With oneself, `peer_id` is one's own: the commit adds one's other devices, and where there are
 * none there is no Welcome.
 */
export type OpenDirect = {
  readonly conversation_id: Uuid;
  readonly peer_id: Uuid;
  readonly anchor: Anchor;
  readonly commit: Commit;
  readonly welcome?: Bytes | null;
};

/** One's direct conversation with somebody. */
export type GetDirect = {
  readonly peer_id: Uuid;
};

/** The Welcomes that wait for this device. */
export type ListWelcomes = Record<string, never>;

/** This device has joined, or never will: forget its Welcome. */
export type RemoveWelcome = {
  readonly conversation_id: Uuid;
};

/** `anchor` is epoch 0: one leaf, the owner's, and the signed group state. */
export type CreateGroup = {
  readonly group_id: Uuid;
  readonly name: string;
  readonly description?: string | null;
  readonly anchor: Anchor;
  readonly group_info: Bytes;
};

export type GetGroup = {
  readonly group_id: Uuid;
};

/**
 * Change what is given. Name, history and inviters stand in the signed state: they need the
 * commit that changes it. `slow_mode_seconds`: 0 ends slow mode; a member's first message after
 * it was set is not held up.
 */
export type UpdateGroup = {
  readonly group_id: Uuid;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly history?: History | null;
  readonly inviters?: Inviters | null;
  readonly slow_mode_seconds?: number | null;
  readonly commit?: Commit | null;
};

/** `name` is the group's name, typed by who deletes it. */
export type DeleteGroup = {
  readonly group_id: Uuid;
  readonly name: string;
};

export type ListMembers = {
  readonly group_id: Uuid;
  readonly after?: Uuid | null;
  readonly limit?: number;
};

export type SetRole = {
  readonly group_id: Uuid;
  readonly user_id: Uuid;
  readonly role: Role;
  readonly reason?: string | null;
  readonly commit: Commit;
};

export type KickMember = {
  readonly group_id: Uuid;
  readonly user_id: Uuid;
  readonly reason?: string | null;
  readonly commit: Commit;
};

export type TransferOwnership = {
  readonly group_id: Uuid;
  readonly user_id: Uuid;
  readonly commit: Commit;
};

/**
 * Leave: the signed statement that lets anybody commit the removal of one's seats.
 *
 * Somebody above member drops his own role and invites first: `commit`. An owner who is the last
 * member deletes the group by leaving it.
 */
export type LeaveGroup = {
  readonly group_id: Uuid;
  readonly statement: Bytes;
  readonly commit?: Commit | null;
};

/** The newest acts, or those before the act `before`. */
export type ListAudit = {
  readonly group_id: Uuid;
  readonly before?: number | null;
  readonly limit?: number;
};

export type ListBans = {
  readonly group_id: Uuid;
  readonly after?: Uuid | null;
  readonly limit?: number;
};

/** The commit takes the keys and shuts the door; also for somebody who is no member. */
export type BanMember = {
  readonly group_id: Uuid;
  readonly user_id: Uuid;
  readonly reason?: string | null;
  readonly commit: Commit;
};

export type UnbanMember = {
  readonly group_id: Uuid;
  readonly user_id: Uuid;
  readonly reason?: string | null;
  readonly commit: Commit;
};

export type ListInvites = {
  readonly group_id: Uuid;
  readonly after?: Uuid | null;
  readonly limit?: number;
};

/**
 * `sealed_anchor` is sealed under the link's secret; `commit` enters `invite_key` into the
 * signed state (and may drop the entries of links that have ended).
 */
export type CreateInvite = {
  readonly group_id: Uuid;
  readonly code: string;
  readonly invite_key: Bytes;
  readonly sealed_anchor: Bytes;
  readonly expires_at?: Instant | null;
  readonly max_uses?: number | null;
  readonly commit: Commit;
};

export type RevokeInvite = {
  readonly group_id: Uuid;
  readonly code: string;
  readonly commit: Commit;
};

/** What the holder of a live code needs to verify the group and to enter it. */
export type GetInvite = {
  readonly code: string;
};

/** As ListCommits, for the holder of a live code; not before the link's anchor. */
export type ListInviteCommits = {
  readonly code: string;
  readonly epoch: number;
};

/** Enter by external commit, with the proof of holding the link's secret inside. */
export type JoinGroup = {
  readonly code: string;
  readonly commit: Commit;
};

/** The client's first frame, within `limits.SOCKET_HELLO_SECONDS`. */
export type Hello = readonly [op: 100, token: string];

/**
 * A command, by its name, with its fields as a map. Several may be on their way at once; each
 * is answered by `Answered` or `Denied` with the number that the client gave it.
 */
export type Ask = readonly [op: 101, number: number, command: string, fields: unknown];

/** The socket is authenticated; everything committed from now on is pushed. */
export type Ready = readonly [op: 0, user_id: Uuid];

/** The log of a conversation has grown by one entry. */
export type EntryAdded = readonly [op: 1, conversation_id: Uuid, entry: Entry];

/** This person entered a conversation, or somebody opened a direct one with them. */
export type ConversationAdded = readonly [op: 2, conversation_id: Uuid];

/** This person is no longer in a conversation: left, kicked, banned, or the group is gone. */
export type ConversationRemoved = readonly [op: 3, conversation_id: Uuid];

/** A group's description, members or settings as SQL keeps them have changed. */
export type GroupUpdated = readonly [op: 4, group_id: Uuid];

/** This person has read a conversation up to entry `seq`, on one of their devices. */
export type ReadAdvanced = readonly [op: 5, conversation_id: Uuid, seq: number];

/** Somebody writes something there. Not kept, and not told where many listen. */
export type Typing = readonly [op: 6, conversation_id: Uuid, user_id: Uuid];

/** Somebody who shows it is there now, or is not; as `ShowPresence` says. */
export type PresenceChanged = readonly [op: 7, user_id: Uuid, here: boolean];

/** The result of what was asked under this number. */
export type Answered = readonly [op: 50, number: number, result: unknown];

/** The refusal of what was asked under this number. */
export type Denied = readonly [op: 51, number: number, refusal: Malformed | Unauthenticated | WrongCredentials | Forbidden | NotFound | RegistrationClosed | AccountLocked | UsernameTaken | Taken | Blocked | InviteSpent | AlreadyMember | DirectExists | EpochStale | RemovalPending | CommitRefused | CommitMismatch | EditStale | CounterStale | OffsetStale | OwnerMustTransfer | LimitReached | TooLarge | QuotaExceeded | RateLimited | SlowMode | Unavailable | Internal];

export type Malformed = {
  readonly code: "malformed";
  readonly detail: string;
};

export type Unauthenticated = {
  readonly code: "unauthenticated";
};

/** The same for an unknown name and for a wrong password. */
export type WrongCredentials = {
  readonly code: "wrong_credentials";
};

export type Forbidden = {
  readonly code: "forbidden";
  readonly action: string;
};

/** Also what a stranger is told about something that exists. */
export type NotFound = {
  readonly code: "not_found";
  readonly what: string;
};

export type RegistrationClosed = {
  readonly code: "registration_closed";
};

export type AccountLocked = {
  readonly code: "account_locked";
};

export type UsernameTaken = {
  readonly code: "username_taken";
};

/** An id or a key that the client drew exists already, with other contents. */
export type Taken = {
  readonly code: "taken";
  readonly what: string;
};

export type Blocked = {
  readonly code: "blocked";
};

/** Expired or used up; the holder of the link learns no more than that. */
export type InviteSpent = {
  readonly code: "invite_spent";
};

export type AlreadyMember = {
  readonly code: "already_member";
};

/** The two have a direct conversation already: join that one. */
export type DirectExists = {
  readonly code: "direct_exists";
  readonly conversation_id: Uuid;
};

/** Another commit won this epoch. Process it, build again, try again. */
export type EpochStale = {
  readonly code: "epoch_stale";
  readonly current: number;
};

/** Somebody left: commit the removal of their keys before sending. */
export type RemovalPending = {
  readonly code: "removal_pending";
};

/** `accept` refused the commit. `rule` is the rule's id in `docs/protocol.md`. */
export type CommitRefused = {
  readonly code: "commit_refused";
  readonly rule: string;
  readonly detail: string;
};

/** The commit changes something else than the command says. */
export type CommitMismatch = {
  readonly code: "commit_mismatch";
  readonly detail: string;
};

export type EditStale = {
  readonly code: "edit_stale";
  readonly current: number;
};

/** The counter of a reaction must rise, and so must the number of a pin. */
export type CounterStale = {
  readonly code: "counter_stale";
  readonly current: number;
};

/** So much of the upload is here: go on from there. */
export type OffsetStale = {
  readonly code: "offset_stale";
  readonly current: number;
};

export type OwnerMustTransfer = {
  readonly code: "owner_must_transfer";
};

export type LimitReached = {
  readonly code: "limit_reached";
  readonly what: string;
  readonly limit: number;
};

export type TooLarge = {
  readonly code: "too_large";
  readonly what: string;
  readonly limit: number;
};

export type QuotaExceeded = {
  readonly code: "quota_exceeded";
  readonly limit: number;
};

/** `retry_after` in seconds. */
export type RateLimited = {
  readonly code: "rate_limited";
  readonly retry_after: number;
};

/** The group asks for a pause between messages. `retry_after` in seconds. */
export type SlowMode = {
  readonly code: "slow_mode";
  readonly retry_after: number;
};

/** The server cannot answer now. Whether the command was carried out is not known. */
export type Unavailable = {
  readonly code: "unavailable";
};

/** A fault of the server. `incident` finds it in the server's log. */
export type Internal = {
  readonly code: "internal";
  readonly incident: string;
};

export type AnyEvent =
  | Ready
  | EntryAdded
  | ConversationAdded
  | ConversationRemoved
  | GroupUpdated
  | ReadAdvanced
  | Typing
  | PresenceChanged
  | Answered
  | Denied;

export type AnyRefusal =
  | Malformed
  | Unauthenticated
  | WrongCredentials
  | Forbidden
  | NotFound
  | RegistrationClosed
  | AccountLocked
  | UsernameTaken
  | Taken
  | Blocked
  | InviteSpent
  | AlreadyMember
  | DirectExists
  | EpochStale
  | RemovalPending
  | CommitRefused
  | CommitMismatch
  | EditStale
  | CounterStale
  | OffsetStale
  | OwnerMustTransfer
  | LimitReached
  | TooLarge
  | QuotaExceeded
  | RateLimited
  | SlowMode
  | Unavailable
  | Internal;

/** What is asked and what is answered. */
export type Calls = {
  GetServer: [GetServer, ServerInfo];
  SignUp: [SignUp, Session];
  LogIn: [LogIn, Session];
  LogOut: [LogOut, Done];
  GetAccount: [GetAccount, Account];
  GetUser: [GetUser, User];
  ListUsers: [ListUsers, Users];
  PublishKeyPackages: [PublishKeyPackages, KeyPackageCount];
  ClaimKeyPackages: [ClaimKeyPackages, ClaimedKeyPackages];
  ListBlocks: [ListBlocks, Blocks];
  BlockUser: [BlockUser, Done];
  UnblockUser: [UnblockUser, Done];
  ListConversations: [ListConversations, Conversations];
  GetConversation: [GetConversation, Conversation];
  MarkRead: [MarkRead, Done];
  ShowTyping: [ShowTyping, Done];
  ShowPresence: [ShowPresence, Done];
  ListEntries: [ListEntries, Entries];
  ListNewEntries: [ListNewEntries, NewEntries];
  GetAnchor: [GetAnchor, Anchor];
  ListCommits: [ListCommits, Commits];
  AdvanceEpoch: [AdvanceEpoch, Ordered];
  GetGroupInfo: [GetGroupInfo, GroupInfos];
  PublishGroupInfo: [PublishGroupInfo, Done];
  SendMessage: [SendMessage, Accepted];
  EditMessage: [EditMessage, Accepted];
  DeleteMessage: [DeleteMessage, Accepted];
  ReactToMessage: [ReactToMessage, Accepted];
  PinMessage: [PinMessage, Accepted];
  ReserveFile: [ReserveFile, FileReserved];
  DiscardFile: [DiscardFile, Done];
  OpenDirect: [OpenDirect, Ordered];
  GetDirect: [GetDirect, Conversation];
  ListWelcomes: [ListWelcomes, Welcomes];
  RemoveWelcome: [RemoveWelcome, Done];
  CreateGroup: [CreateGroup, Ordered];
  GetGroup: [GetGroup, Group];
  UpdateGroup: [UpdateGroup, Done];
  DeleteGroup: [DeleteGroup, Done];
  ListMembers: [ListMembers, Members];
  SetRole: [SetRole, Ordered];
  KickMember: [KickMember, Ordered];
  TransferOwnership: [TransferOwnership, Ordered];
  LeaveGroup: [LeaveGroup, Done];
  ListAudit: [ListAudit, Audit];
  ListBans: [ListBans, Bans];
  BanMember: [BanMember, Ordered];
  UnbanMember: [UnbanMember, Ordered];
  ListInvites: [ListInvites, Invites];
  CreateInvite: [CreateInvite, Ordered];
  RevokeInvite: [RevokeInvite, Ordered];
  GetInvite: [GetInvite, InviteDetails];
  ListInviteCommits: [ListInviteCommits, Commits];
  JoinGroup: [JoinGroup, Ordered];
};

export const PREFIX = "/api/v1";

export const ROUTES = {
  GetServer: ["GET", "/server"],
  SignUp: ["POST", "/accounts"],
  LogIn: ["POST", "/sessions"],
  LogOut: ["DELETE", "/sessions/current"],
  GetAccount: ["GET", "/account"],
  GetUser: ["GET", "/users/{username}"],
  ListUsers: ["POST", "/users/list"],
  PublishKeyPackages: ["POST", "/key-packages"],
  ClaimKeyPackages: ["POST", "/key-packages/{user_id}/claim"],
  ListBlocks: ["GET", "/blocks"],
  BlockUser: ["PUT", "/blocks/{user_id}"],
  UnblockUser: ["DELETE", "/blocks/{user_id}"],
  ListConversations: ["GET", "/conversations"],
  GetConversation: ["GET", "/conversations/{conversation_id}"],
  MarkRead: ["PUT", "/conversations/{conversation_id}/read"],
  ShowTyping: ["POST", "/conversations/{conversation_id}/typing"],
  ShowPresence: ["PUT", "/presence"],
  ListEntries: ["GET", "/conversations/{conversation_id}/entries"],
  ListNewEntries: ["POST", "/conversations/entries"],
  GetAnchor: ["GET", "/conversations/{conversation_id}/anchors/{epoch}"],
  ListCommits: ["GET", "/conversations/{conversation_id}/commits"],
  AdvanceEpoch: ["POST", "/conversations/{conversation_id}/commits"],
  GetGroupInfo: ["GET", "/conversations/{conversation_id}/group-info"],
  PublishGroupInfo: ["POST", "/conversations/{conversation_id}/group-info"],
  SendMessage: ["POST", "/conversations/{conversation_id}/messages"],
  EditMessage: ["POST", "/conversations/{conversation_id}/edits"],
  DeleteMessage: ["POST", "/conversations/{conversation_id}/deletions"],
  ReactToMessage: ["POST", "/conversations/{conversation_id}/reactions"],
  PinMessage: ["POST", "/conversations/{conversation_id}/pins"],
  ReserveFile: ["POST", "/conversations/{conversation_id}/files"],
  DiscardFile: ["DELETE", "/files/{file_id}"],
  OpenDirect: ["POST", "/direct"],
  GetDirect: ["GET", "/direct/{peer_id}"],
  ListWelcomes: ["GET", "/welcomes"],
  RemoveWelcome: ["DELETE", "/welcomes/{conversation_id}"],
  CreateGroup: ["POST", "/groups"],
  GetGroup: ["GET", "/groups/{group_id}"],
  UpdateGroup: ["PATCH", "/groups/{group_id}"],
  DeleteGroup: ["POST", "/groups/{group_id}/delete"],
  ListMembers: ["GET", "/groups/{group_id}/members"],
  SetRole: ["PUT", "/groups/{group_id}/members/{user_id}/role"],
  KickMember: ["POST", "/groups/{group_id}/members/{user_id}/kick"],
  TransferOwnership: ["POST", "/groups/{group_id}/owner"],
  LeaveGroup: ["POST", "/groups/{group_id}/leave"],
  ListAudit: ["GET", "/groups/{group_id}/audit"],
  ListBans: ["GET", "/groups/{group_id}/bans"],
  BanMember: ["PUT", "/groups/{group_id}/bans/{user_id}"],
  UnbanMember: ["POST", "/groups/{group_id}/bans/{user_id}/lift"],
  ListInvites: ["GET", "/groups/{group_id}/invites"],
  CreateInvite: ["POST", "/groups/{group_id}/invites"],
  RevokeInvite: ["POST", "/groups/{group_id}/invites/{code}/revoke"],
  GetInvite: ["GET", "/invites/{code}"],
  ListInviteCommits: ["GET", "/invites/{code}/commits"],
  JoinGroup: ["POST", "/invites/{code}/join"],
} as const;

export const PERMISSIONS = {
  member: ["delete_own", "edit_own", "leave", "react", "read", "send", "upload"],
  moderator: ["add", "ban", "delete_others", "delete_own", "edit_own", "invite", "kick", "leave", "list_invites", "pin", "react", "read", "revoke_invite", "see_audit", "see_bans", "send", "skip_slow_mode", "unban", "upload"],
  admin: ["add", "ban", "delete_others", "delete_own", "edit_own", "invite", "kick", "leave", "list_invites", "pin", "react", "read", "revoke_invite", "see_audit", "see_bans", "send", "set_role", "skip_slow_mode", "unban", "update_group", "upload"],
  owner: ["add", "ban", "delete_group", "delete_others", "delete_own", "edit_own", "invite", "kick", "leave", "list_invites", "pin", "react", "read", "revoke_invite", "see_audit", "see_bans", "send", "set_policy", "set_role", "skip_slow_mode", "transfer", "unban", "update_group", "upload"],
} as const;

export const LIMITS = {
  USERNAME_LENGTH: [2, 32],
  USERNAME_PATTERN: "^[a-z0-9][a-z0-9._-]{1,31}(?!\\n)$",
  RESERVED_USERNAMES: ["everyone"],
  PASSWORD_LENGTH: [8, 256],
  GROUP_NAME_LENGTH: 100,
  GROUP_NAME_BYTES: 400,
  DESCRIPTION_LENGTH: 2000,
  REASON_LENGTH: 500,
  TEXT_BYTES: 32768,
  EMOJI_BYTES: 64,
  MENTIONS_PER_MESSAGE: 50,
  AVATAR_BYTES: 1048576,
  LARGEST_NUMBER: 9007199254740991,
  BODY_BYTES: 4194304,
  ANSWER_BYTES: 25165824,
  EVENT_BYTES: 2097152,
  FRAME_BYTES: 131072,
  ENTRY_BYTES: 65536,
  MUTE_SECONDS: [1, 31536000],
  UNREAD_COUNTED: 1000,
  PAGE_ENTRIES: 500,
  PAGE_BYTES: 4194304,
  PAGE_CURSORS: 100,
  NEW_ENTRIES: 2000,
  PAGE_ROWS: 200,
  DEFAULT_PAGE_ROWS: 100,
  READ_MESSAGES: 1000,
  DEFAULT_READ_MESSAGES: 50,
  QUEUE_MESSAGES: 20000,
  DEFERRED_MESSAGES: 256,
  BATCH_MESSAGES: 1000,
  BATCH_BYTES: 4194304,
  UNSENT_BYTES: 1048576,
  SOCKET_HELLO_SECONDS: 10,
  SOCKET_PING_SECONDS: 30,
  SOCKET_SESSION_SECONDS: 600,
  SOCKETS_PER_ACCOUNT: 50,
  SILENT_SOCKETS_PER_ADDRESS: 200,
  OPENING_SOCKETS: 2,
  COMMANDS_AT_ONCE: 16,
  RATE_LIMITED_SECONDS: 0.25,
  SOCKET_ANSWER_BYTES: 524288,
  FOREIGN_HEADS: 8,
  TYPING_REPEAT_SECONDS: 4,
  TYPING_SECONDS: 8,
  PRESENCE_GRACE_SECONDS: 20,
  SIGNALLED_SOCKETS: 200,
  SIGNAL_UNSENT_BYTES: 65536,
  LEAVES_PER_USER: 10,
  LEAVES_PER_GROUP: 2000,
  PROPOSALS_PER_COMMIT: 200,
  COMMIT_BYTES: 1048576,
  STATE_BYTES: 65536,
  ROLES_PER_GROUP: 200,
  INVITES_PER_GROUP: 50,
  BANS_PER_GROUP: 500,
  GROUPS_PER_ACCOUNT: 500,
  NEW_ANCHOR_BYTES: 32768,
  GROUP_INFOS_PER_EPOCH: 8,
  SLOW_MODE_SECONDS: 21600,
  PINS_PER_CONVERSATION: 50,
  INVITE_SECONDS: [1, 31536000],
  INVITE_USES: 10000,
  REACTIONS_PER_USER_AND_MESSAGE: 20,
  KEY_PACKAGE_BYTES: 4096,
  KEY_PACKAGES_PER_DEVICE: 100,
  KEY_PACKAGE_POOL: 20,
  KEY_PACKAGE_SECONDS: 7776000,
  UPDATE_SECONDS: 604800,
  DEVICES_PER_USER: 10,
  DEVICE_LIST_BYTES: 20480,
  FILE_BYTES: 2147483648,
  FILES_PER_MESSAGE: 10,
  QUOTA_BYTES: 10737418240,
  FILE_CHUNK_BYTES: 65536,
  UPLOAD_PART_BYTES: 16777216,
  DOWNLOAD_IDLE_SECONDS: 60,
  UPLOAD_IDLE_SECONDS: 60,
  TRANSFER_SECONDS: 120,
  UNATTACHED_SECONDS: 86400,
  SESSION_SECONDS: 7776000,
  ADDRESS_BITS: 64,
  GREETINGS_PER_ADDRESS: [600, 60],
  WRONG_TOKENS_PER_ADDRESS: [100, 60],
  SIGNUPS_PER_ADDRESS: [60, 3600],
  LOGINS_PER_ADDRESS: [60, 600],
  LOGINS_PER_ACCOUNT: [10, 600],
  KEY_CLAIMS_PER_ACCOUNT: [300, 3600],
  KEY_CLAIMS_PER_PERSON: [10, 3600],
  INVITE_LOOKUPS_PER_ACCOUNT: [600, 3600],
  DIRECT_REQUESTS_PER_ACCOUNT: [200, 86400],
  UPDATES_PER_DEVICE: [1, 3600],
  RESYNCS_PER_DEVICE: [20, 3600],
  FILES_PER_ACCOUNT: [600, 3600],
  TYPING_PER_ACCOUNT: [60, 60],
  PRESENCE_PER_ACCOUNT: [20, 60],
  REFUSED_COMMITS_PER_ACCOUNT: [100, 600],
  ENTRIES_PER_SECOND: 200,
  ENTRIES_BURST_SECONDS: 50,
  CONVERSATION_ACCOUNTS: 5,
  CONVERSATION_BURST_SECONDS: 15,
  LOCK_SECONDS: 2,
  FREE_BYTES_LOW: 5368709120,
  FREE_BYTES_LEAST: 536870912,
  CLOCK_SECONDS: 5,
} as const;
