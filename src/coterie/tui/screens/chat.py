"""The main screen: conversations, the messages of one of them, its members, and where to write."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from coterie.cli.failures import failure_of
from coterie.cli.output import one_line, plain
from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.errors import NotAcknowledged, ServerUnreachable
from coterie.sdk.people import is_username
from coterie.sdk.views import Conversation, Member, Message
from coterie.tui import permissions
from coterie.tui.acts import groups, messages
from coterie.tui.drafts import Draft, Drafts, Fate, unconfirmed_draft
from coterie.tui.program import program
from coterie.tui.screens.dialog import Dialog
from coterie.tui.screens.picker import Choice, Picker
from coterie.tui.screens.search import Search
from coterie.tui.widgets.composer import Composer
from coterie.tui.widgets.conversation_list import ConversationList
from coterie.tui.widgets.intent import Intent
from coterie.tui.widgets.member_list import MemberList
from coterie.tui.widgets.notices import Notices
from coterie.tui.widgets.status_line import StatusLine
from coterie.tui.widgets.timeline import Timeline
from coterie.tui.widgets.typing_line import TypingLine

T = TypeVar("T")
PAGE: Final = 50
"""Messages that are loaded at once."""
LEAP: Final = 500
"""The same on the way to a message far back."""


class Chat(Screen[None]):
    program = program
    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+k", "jump", "Jump", priority=True),
        Binding("alt+up", "step(-1)", "Conversation above", show=False, priority=True),
        Binding("alt+down", "step(1)", "Conversation below", show=False, priority=True),
        Binding("ctrl+f", "search", "Search", priority=True),
        Binding("ctrl+o", "attach", "Attach", priority=True),
        Binding("ctrl+r", "toggle_members", "Members", priority=True),
        Binding("ctrl+n", "create_group", "New group", show=False, priority=True),
        Binding("ctrl+l", "join", "Join by link", show=False, priority=True),
        Binding("escape", "let_go", "Let go of a reply, an edit, files, notices", show=False),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.notices = Notices()
        self._conversations: list[Conversation] = []
        self._members: list[Member] = []
        self._target = ""
        self._drafts = Drafts()
        self._outgoing: asyncio.Queue[Draft] = asyncio.Queue()
        self._unsent: dict[str, str] = {}
        self._loading = False
        self._unread_seq = 0

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="side"):
                yield Static("Coterie", id="brand")
                yield ConversationList()
                yield StatusLine(self.client.username, self.client.server)
            with Vertical(id="room"):
                yield Static("", id="title", markup=False)
                yield self.notices
                yield Timeline(self.client.username)
                yield TypingLine()
                yield Intent()
                yield Composer()
            yield MemberList()
        yield Footer()

    def on_mount(self) -> None:
        self.composer.focus()
        self.members.display = False
        self.attempt(self._watch_all)
        self.attempt(self._send_for_ever)
        self.attempt(self._watch_presence)
        self.watch(self.program, "app_focus", self._mark_read)

    # --- the parts

    @property
    def timeline(self) -> Timeline:
        return self.query_one(Timeline)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def intent(self) -> Intent:
        return self.query_one(Intent)

    @property
    def members(self) -> MemberList:
        return self.query_one(MemberList)

    @property
    def conversation(self) -> Conversation | None:
        """The one on the screen; None where there is none yet."""
        return next(
            (one for one in self._conversations if str(one.conversation_id) == self._target), None
        )

    # --- work

    async def ask(self, dialog: Dialog[T]) -> T | None:
        """What a person answers; None where they do not."""
        return await self.program.push_screen_wait(dialog)

    def attempt(self, work: Callable[[], Awaitable[None]], group: str = "") -> None:
        """Do it beside everything else, and say what goes wrong. The last one of a group counts."""
        self.run_worker(
            partial(self._attempted, work), group=group or "default", exclusive=bool(group)
        )

    async def _attempted(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self.notices.fail(failure_of(error).message)
        self._pass_on_warnings()

    def _pass_on_warnings(self) -> None:
        for warning in self.client.pop_warnings():
            self.notices.warn(warning)

    def show_transfer(self, name: str, done: int, total: int) -> None:
        words = f"{name} {100 * done // total} %" if total else ""
        self.query_one(StatusLine).transfer = words

    # --- what happens elsewhere

    async def _watch_all(self) -> None:
        status = self.query_one(StatusLine)
        async with aclosing(self.client.watch_all()) as looks:
            async for connected in looks:
                status.connected = connected or (None if status.connected is None else False)
                await self.refresh_list()
                await self._sync()

    async def _sync(self) -> None:
        try:
            await self.client.sync()
        except ServerUnreachable:
            return  # the status line says so
        except Exception as error:
            self.notices.fail(failure_of(error).message)
        self._pass_on_warnings()
        await self.refresh_list()
        await self._show_drafts()

    async def refresh_list(self) -> None:
        self._conversations = await self.client.conversations()
        self.query_one(ConversationList).show(self._conversations, self._target)
        self._show_title()
        if not self._target and self._conversations:
            self.open(str(self._conversations[0].conversation_id))

    async def refresh_members(self) -> None:
        """Of a group; while the server is away they stay as they were."""
        conversation = self.conversation
        if conversation is None or conversation.direct or not conversation.current:
            self._members = []
        else:
            try:
                self._members = await self.client.members(self._target)
            except ServerUnreachable:
                return
        self.members.show(self._members)
        self._show_title()
        self.refresh_bindings()

    async def _follow(self, target: str) -> None:
        self.attempt(self.refresh_members, "members")
        async with aclosing(self.client.watch(target, history=PAGE)) as looks:
            first = await anext(looks)
            self.timeline.complete = len(first) < PAGE
            await self._show(first)
            async for changed in looks:
                self._pass_on_warnings()
                await self._show(changed)
                if not changed:  # something else has happened: somebody may have come or gone
                    self.attempt(self.refresh_members, "members")

    async def _watch_typing(self, target: str) -> None:
        async with aclosing(self.client.watch_typing(target)) as looks:
            async for names in looks:
                self.query_one(TypingLine).show(names)

    async def _watch_presence(self) -> None:
        async with aclosing(self.client.watch_presence()) as looks:
            async for user_ids in looks:
                self.members.show_here(user_ids)

    async def _show(self, shown: list[Message]) -> None:
        self.timeline.show(shown)
        await self._find_originals()
        await self._show_drafts()

    async def _find_originals(self) -> None:
        target, found = self._target, dict[int, Message]()
        for message_id in self.timeline.missing_originals:
            for one in await self.client.kept(target, limit=1, before=message_id + 1):
                found[message_id] = one
        if found and target == self._target:
            self.timeline.show_originals(found)

    async def _show_drafts(self) -> None:
        """What is on its way from here, and what the device keeps to send it again."""
        target = self._target
        self._drafts.drop_seen(self.timeline.messages)
        kept = [] if self.conversation is None else await self.client.unconfirmed(target)
        if target == self._target:
            unconfirmed = [unconfirmed_draft(target, one) for one in kept]
            self.timeline.show_drafts([*unconfirmed, *self._drafts.of(target)])

    # --- one conversation

    def open(self, target: str) -> None:
        """By its id; or `@username`, with whom there is none yet."""
        if self._target:
            self._unsent[self._target] = self.composer.text
        self._target = target
        conversation = self.conversation
        self._members = []
        self.members.show([])
        self.intent.clear()
        self.composer.fill(self._unsent.pop(target, ""))
        self.timeline.begin(0 if conversation is None else conversation.read_seq)
        self._unread_seq = 0
        self.query_one(ConversationList).show(self._conversations, target)
        self._show_title()
        self.composer.focus()
        self.refresh_bindings()
        self.query_one(TypingLine).show(())
        if conversation is not None:
            self.attempt(partial(self._follow, target), "follow")
            self.attempt(partial(self._watch_typing, target), "typing")

    async def open_new(self, target: str) -> None:
        """One that this device knows only just now."""
        await self.refresh_list()
        self.open(target)

    async def _open_at(self, conversation_id: UUID, message_id: int) -> None:
        """Load back to a message, and choose it."""
        target, timeline = str(conversation_id), self.timeline
        if target != self._target:
            self.open(target)
        while message_id not in timeline.messages and not timeline.complete:
            page = await self.client.kept(target, limit=LEAP, before=timeline.oldest)
            if target != self._target:
                return
            timeline.complete = len(page) < LEAP
            timeline.show(page)
        timeline.focus()
        timeline.choose(message_id)

    def _show_title(self) -> None:
        conversation = self.conversation
        title = self._target if conversation is None else one_line(conversation.title)
        if conversation is not None and not conversation.direct:
            title = f"# {title}"
        number = len(self._members)
        many = f"   {number} {'member' if number == 1 else 'members'}" if number else ""
        nothing = "Make a group with Ctrl+N, join one with Ctrl+L, or write to somebody: Ctrl+K"
        self.query_one("#title", Static).update(f"{title}{many}" if title else nothing)
        self.composer.placeholder = Content(f"Message {title}" if title else "")

    @on(ConversationList.Opened)
    def _opened(self, event: ConversationList.Opened) -> None:
        self.open(event.target)

    @on(Timeline.OlderWanted)
    def _older_wanted(self) -> None:
        if not self._loading and self.timeline.oldest is not None:
            self._loading = True
            self.attempt(partial(self._load_older, self._target))

    async def _load_older(self, target: str) -> None:
        try:
            page = await self.client.kept(target, limit=PAGE, before=self.timeline.oldest)
        finally:
            self._loading = False
        if target == self._target:
            self.timeline.complete = len(page) < PAGE
            await self._show(page)

    @on(Timeline.Seen)
    def _seen(self, event: Timeline.Seen) -> None:
        self._unread_seq = event.seq
        self._mark_read()

    def _mark_read(self) -> None:
        """Only what somebody can have seen: while the terminal has the focus."""
        if self._unread_seq and self.program.app_focus:
            self.attempt(partial(self._read, self._target, self._unread_seq), "read")
            self._unread_seq = 0

    async def _read(self, target: str, seq: int) -> None:
        await self.client.mark_read(target, seq)
        await self.refresh_list()

    @on(Timeline.Chosen)
    def _chosen(self) -> None:
        self.refresh_bindings()

    # --- writing

    @on(Composer.Left)
    def _up(self) -> None:
        self.timeline.focus()

    @on(Composer.Changed)
    def _typed(self) -> None:
        if self.composer.text and self.conversation is not None and self.intent.editing is None:
            self.attempt(partial(self.client.show_typing, self._target), "show typing")

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        edited, files = self.intent.editing, self.intent.files
        if not self._target or not (event.text.strip() or files):
            return
        if edited is not None:
            self.attempt(partial(self.client.edit, self._target, edited.message_id, event.text))
        else:
            self._send(Draft(self._target, event.text, self.intent.reply_to, files))
        self.composer.fill("")
        self.intent.clear()

    def _send(self, draft: Draft) -> None:
        self._drafts.drop(draft)
        self._drafts.add(draft)
        draft.fate, draft.detail = Fate.SENDING, ""
        self._outgoing.put_nowait(draft)
        self.attempt(self._show_drafts, "drafts")
        self.timeline.scroll_end(animate=False)

    async def _send_for_ever(self) -> None:
        """One after the other, so that they arrive as they were written."""
        while True:
            draft = await self._outgoing.get()
            await self._deliver(draft)
            self._pass_on_warnings()
            await self._show_drafts()

    async def _deliver(self, draft: Draft) -> None:
        def moved(name: str, done: int, total: int) -> None:
            self.show_transfer(name, done, total)

        try:
            sent = await self.client.send(
                draft.target,
                draft.text,
                reply_to=draft.reply_to,
                files=draft.files,
                progress=moved,
            )
            draft.fate, draft.message_id = Fate.SENT, sent.message_id
        except NotAcknowledged:
            self._drafts.drop(draft)  # the device keeps it now
        except Exception as error:
            draft.fate, draft.detail = Fate.FAILED, failure_of(error).message
        self.show_transfer("", 0, 0)
        if draft.target.startswith("@") and draft.fate is Fate.SENT:
            await self._follow_first(draft)

    async def _follow_first(self, draft: Draft) -> None:
        """A conversation that began with this message."""
        await self.refresh_list()
        begun = [
            str(one.conversation_id) for one in self._conversations if one.title == draft.target
        ]
        self._drafts.drop(draft)
        if begun and self._target == draft.target:
            self.open(begun[0])

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether this can be done to what is chosen."""
        own = self.client.username
        if action in permissions.ON_MESSAGES:
            draft = self.timeline.chosen_draft
            if draft is not None:
                return permissions.may_with_draft(action, draft)
            return permissions.may_with_message(
                action, self.timeline.chosen_message, own, self._role
            )
        if action in permissions.ON_GROUPS:
            return permissions.may_in_group(action, self.conversation, self._role)
        if action in permissions.ON_MEMBERS:
            return permissions.may_with_member(action, self.members.chosen, own, self._role)
        return bool(self._target) if action == "attach" else True

    @property
    def _role(self) -> Role:
        """One's own in this group; a member's until it is known."""
        own = [one.role for one in self._members if one.user_id == self.client.user_id]
        return own[0] if own else Role.MEMBER

    @on(MemberList.OptionHighlighted, "#members")
    def _member_chosen(self) -> None:
        self.refresh_bindings()

    def action_jump(self) -> None:
        self.attempt(self._jump)

    async def _jump(self) -> None:
        choices = [
            Choice(f"{'' if one.direct else '# '}{one.title}", str(one.conversation_id), one.title)
            for one in self._conversations
        ]
        picked = await self.ask(
            Picker("Go to", choices, "@username writes to somebody new.", self._somebody_new)
        )
        if picked is not None:
            self.open(picked)

    def _somebody_new(self, typed: str) -> Choice[str] | None:
        known = {one.title for one in self._conversations}
        if typed.startswith("@") and is_username(typed[1:]) and typed not in known:
            return Choice(f"Write to {typed}", typed, typed)
        return None

    def action_step(self, by: int) -> None:
        ids = [str(one.conversation_id) for one in self._conversations]
        if ids:
            here = ids.index(self._target) if self._target in ids else -by
            self.open(ids[(here + by) % len(ids)])

    def action_search(self) -> None:
        self.attempt(self._search)

    async def _search(self) -> None:
        found = await self.ask(Search(self.client))
        if found is not None:
            await self._open_at(found.conversation_id, found.message.message_id)

    def action_toggle_members(self) -> None:
        self.members.display = not self.members.display
        if self.members.display:
            self.members.focus()
            self.attempt(self.refresh_members, "members")
        else:
            self.composer.focus()

    def action_let_go(self) -> None:
        if self.intent.editing is not None:
            self.composer.fill("")
        if not self.intent.clear() and not self.notices.clear():
            self.timeline.scroll_end(animate=False)
        self.composer.focus()

    def action_attach(self) -> None:
        self.attempt(self._attach_file)

    async def _attach_file(self) -> None:
        path = await messages.attach(self)
        if path is not None:
            self.intent.attach(path)
        self.composer.focus()

    def action_reply(self) -> None:
        message = self.timeline.chosen_message
        if message is not None:
            self.intent.reply(message)
            self.composer.focus()

    def action_edit(self) -> None:
        message = self.timeline.chosen_message
        if message is not None:
            self.intent.edit(message)
            self.composer.fill(plain(message.text or ""))
            self.composer.focus()

    def action_react(self) -> None:
        message = self.timeline.chosen_message
        if message is not None:
            self.attempt(partial(messages.react, self, self._target, message))

    def action_delete(self) -> None:
        message, draft = self.timeline.chosen_message, self.timeline.chosen_draft
        if message is not None:
            self.attempt(partial(messages.delete, self, self._target, message))
        elif draft is not None:
            self._drafts.drop(draft)
            self.attempt(self._show_drafts, "drafts")

    def action_save_file(self) -> None:
        message = self.timeline.chosen_message
        if message is not None:
            self.attempt(partial(messages.save_file, self, self._target, message))

    def action_copy_message(self) -> None:
        chosen = self.timeline.chosen_message or self.timeline.chosen_draft
        if chosen is not None and chosen.text:
            self.program.copy_to_clipboard(plain(chosen.text))

    def action_try_again(self) -> None:
        draft = self.timeline.chosen_draft
        if draft is not None:
            self._send(draft)

    def action_create_group(self) -> None:
        self.attempt(partial(groups.create, self))

    def action_join(self) -> None:
        self.attempt(partial(groups.join, self))

    def action_invite(self) -> None:
        self.attempt(partial(groups.invite, self, self._target))

    def action_leave(self) -> None:
        if self.conversation is not None:
            self.attempt(partial(groups.leave, self, self.conversation))

    def action_kick(self) -> None:
        if self.members.chosen is not None:
            self.attempt(partial(groups.kick, self, self._target, self.members.chosen))

    def action_ban(self) -> None:
        if self.members.chosen is not None:
            self.attempt(partial(groups.ban, self, self._target, self.members.chosen))

    def action_write_to(self) -> None:
        member = self.members.chosen
        if member is not None:
            title = f"@{member.username}"
            known = {one.title: str(one.conversation_id) for one in self._conversations}
            self.open(known.get(title, title))
