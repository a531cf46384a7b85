"""The messages of one conversation, oldest above; only what is in view is drawn."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any, ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message as Event
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from coterie.sdk.views import Message
from coterie.tui.drafts import Draft
from coterie.tui.message_lines import Look
from coterie.tui.program import program
from coterie.tui.widgets.painter import GUTTER, Block, Painter, Scene


class Timeline(ScrollView, can_focus=True):
    """Shows what it is given; says when older messages are wanted and which have been seen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--quiet",
        "timeline--rule",
        "timeline--warning",
        "timeline--error",
        "timeline--file",
        "timeline--chip",
        "timeline--own-chip",
        "timeline--chosen",
        "timeline--new",
    }
    BINDINGS: ClassVar[list[Any]] = [
        Binding("up,k", "choose_previous", "Message above", show=False),
        Binding("down,j", "choose_next", "Message below", show=False),
        Binding("home,g", "choose_first", "Oldest that is loaded", show=False),
        Binding("end,G", "choose_last", "Newest message", show=False),
        Binding("r", "screen.reply", "Reply"),
        Binding("plus", "screen.react", "React", key_display="+"),
        Binding("e", "screen.edit", "Edit"),
        Binding("d,delete", "screen.delete", "Delete", key_display="d"),
        Binding("s", "screen.save_file", "Save file"),
        Binding("y", "screen.copy_message", "Copy"),
        Binding("enter", "screen.try_again", "Try again"),
    ]

    program = program
    chosen: reactive[int | None] = reactive(None)
    """The key of a message (its id) or of a draft (below zero)."""

    class OlderWanted(Event):
        """The beginning of what is loaded is near."""

    class Seen(Event):
        """Up to this entry everything has been on the screen."""

        def __init__(self, seq: int) -> None:
            super().__init__()
            self.seq = seq

    class Chosen(Event):
        """Another message is chosen, or none."""

    def __init__(self, me: str) -> None:
        super().__init__()
        self._me = me
        self._messages: dict[int, Message] = {}
        self._order: list[tuple[int, int]] = []  # (seq, message id)
        self._originals: dict[int, Message] = {}
        self._answers: defaultdict[int, set[int]] = defaultdict(set)
        self._drafts: list[Draft] = []
        self._painter: Painter | None = None
        self._blocks: dict[int, Block] = {}
        self._heights: dict[int, int] = {}
        self._keys: list[int] = []
        self._tops: list[int] = []
        self._places: dict[int, int] = {}
        self._settling = False
        self._seen = 0
        self._new_after = 0
        self._at_end = True
        self.complete = False
        """Whether nothing older is there."""

    # --- what is shown

    def begin(self, read_seq: int) -> None:
        """Another conversation, of which everything up to this entry has been read."""
        self._messages, self._order, self._originals, self._drafts = {}, [], {}, []
        self._answers.clear()
        self._blocks, self._heights = {}, {}
        self._seen, self._new_after = read_seq, read_seq
        self.complete, self.chosen, self._at_end = False, None, True
        self._lay_out()

    def show(self, messages: Iterable[Message]) -> None:
        """Put in what is new, and replace what has changed."""
        for message in messages:
            if message.message_id not in self._messages:
                insort(self._order, (message.seq, message.message_id))
            if message.reply_to_id is not None:
                self._answers[message.reply_to_id].add(message.message_id)
            self._messages[message.message_id] = message
            self._forget(message)
        self._lay_out()

    def show_drafts(self, drafts: Sequence[Draft]) -> None:
        if drafts or self._drafts:
            for draft in self._drafts:
                self._blocks.pop(draft.key, None)
            self._drafts = list(drafts)
            self._lay_out()

    def show_originals(self, originals: Mapping[int, Message]) -> None:
        """What is answered here and lies further back than what is loaded."""
        self._originals |= originals
        for message in originals.values():
            self._forget(message)
        self._lay_out()

    @property
    def messages(self) -> Mapping[int, Message]:
        return self._messages

    @property
    def oldest(self) -> int | None:
        return self._order[0][1] if self._order else None

    @property
    def missing_originals(self) -> set[int]:
        """Ids of messages that are answered here, and not known."""
        return self._answers.keys() - self._messages.keys() - self._originals.keys()

    @property
    def chosen_message(self) -> Message | None:
        return None if self.chosen is None else self._messages.get(self.chosen)

    @property
    def chosen_draft(self) -> Draft | None:
        return next((one for one in self._drafts if one.key == self.chosen), None)

    @property
    def at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y

    def choose(self, key: int) -> None:
        """Bring it into view, and mark it."""
        self.chosen = key
        if key in self._places:
            self._draw([key])
            top = self._tops[self._places[key]]
            region = Region(0, top, 1, self._heights[key])
            self.scroll_to_region(region, animate=False, force=True, immediate=True)

    # --- keys and mouse

    def action_choose_previous(self) -> None:
        self._move(-1)

    def action_choose_next(self) -> None:
        self._move(+1)

    def action_choose_first(self) -> None:
        if self._keys:
            self.choose(self._keys[0])
            self.scroll_home(animate=False, immediate=True)

    def action_choose_last(self) -> None:
        if self._keys:
            self.choose(self._keys[-1])
            self.scroll_end(animate=False, immediate=True)

    def on_focus(self) -> None:
        if self.chosen is None and self._keys:
            self.choose(self._keys[-1])
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y
        if self._keys and place < self.virtual_size.height:
            self.chosen = self._keys[self._at(place)]

    def watch_chosen(self) -> None:
        self.refresh()
        self.post_message(self.Chosen())

    def _move(self, by: int) -> None:
        if self._keys:
            last = len(self._keys) - 1
            here = last + 1 if self.chosen is None else self._places.get(self.chosen, last + 1)
            self.choose(self._keys[max(0, min(here + by, last))])
            self._look_around()

    # --- drawing

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if not self._keys or place >= self.virtual_size.height:
            return Strip.blank(width, self.rich_style)
        index = self._at(place)
        key, line = self._keys[index], place - self._tops[index]
        block = self._blocks.get(key)
        if block is None or line >= len(block.strips):
            return Strip.blank(width, self.rich_style)
        strip = block.strips[line].extend_cell_length(width, self.rich_style)
        if key == self.chosen and self.has_focus and line >= block.above:
            return _marked(strip, self.get_component_rich_style("timeline--chosen"))
        return strip

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        super().notify_style_update()
        self._lay_out(anew=True)

    def on_resize(self) -> None:
        self._lay_out(anew=self.scrollable_content_region.width != self.virtual_size.width)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._settling:
            self._at_end = self.at_end
            self._settle()
            self._look_around()

    def _forget(self, message: Message) -> None:
        """It has changed: it is drawn anew, with what follows it and what answers it."""
        after = bisect_right(self._order, (message.seq, message.message_id))
        follower = [key for _, key in self._order[after : after + 1]]
        for key in {message.message_id, *follower, *self._answers[message.message_id]}:
            self._blocks.pop(key, None)
            self._heights.pop(key, None)

    def _lay_out(self, *, anew: bool = False) -> None:
        """Find the place of everything; what was in view stays there, or the end the end."""
        width = self.scrollable_content_region.width
        if width <= GUTTER or not self.is_mounted:
            return
        anchor = self._anchor()
        if anew or self._painter is None:
            self._painter = self._new_painter(width)
            self._blocks, self._heights = {}, {}
        for message_id, message in self._messages.items():
            if message_id not in self._heights:
                self._heights[message_id] = self._painter.guess(message)
        self._keys = [key for _, key in self._order] + [one.key for one in self._drafts]
        self._places = {key: number for number, key in enumerate(self._keys)}
        self._draw(one.key for one in self._drafts)
        self._place()
        self._restore(anchor)
        self._settle()
        self.refresh()
        self.call_after_refresh(self._look_around)

    def _draw(self, keys: Iterable[int]) -> None:
        """Those that are not drawn yet; others move where the guess was wrong."""
        assert self._painter is not None, "there are places"  # noqa: S101
        today = datetime.now().astimezone().date()
        moved = False
        for key in keys:
            if key not in self._blocks:
                block = self._painted(self._painter, key, today)
                moved = moved or self._heights.get(key) != len(block.strips)
                self._blocks[key], self._heights[key] = block, len(block.strips)
        if moved:
            self._place()

    def _painted(self, painter: Painter, key: int, today: date) -> Block:
        if key < 0:
            draft = self._drafts[self._places[key] - len(self._order)]
            return painter.paint_draft(draft, self._original(draft.reply_to))
        message, place = self._messages[key], self._places[key]
        before = self._messages[self._order[place - 1][1]] if place else None
        original = self._original(message.reply_to_id)
        return painter.paint(Scene(message, before, original, today, self._new_after))

    def _original(self, message_id: int | None) -> Message | None:
        if message_id is None:
            return None
        return self._messages.get(message_id) or self._originals.get(message_id)

    def _place(self) -> None:
        ends = list(accumulate(self._heights.get(key, 0) for key in self._keys))
        self._tops = [0, *ends[:-1]] if ends else []
        self.virtual_size = Size(self.scrollable_content_region.width, ends[-1] if ends else 0)

    def _new_painter(self, width: int) -> Painter:
        style = self.get_visual_style
        look = Look(
            dark=self.program.current_theme.dark,
            text=style(),
            quiet=style("timeline--quiet"),
            warning=style("timeline--warning"),
            error=style("timeline--error"),
            file=style("timeline--file"),
            chip=style("timeline--chip"),
            own_chip=style("timeline--own-chip"),
        )
        rule, new = style("timeline--rule"), style("timeline--new")
        return Painter(self._me, look, self.visual_style, rule, new, width)

    # --- where we are

    def _at(self, place: int) -> int:
        """The number of the block that this line belongs to."""
        return max(bisect_right(self._tops, place) - 1, 0)

    def _settle(self) -> None:
        """Draw what is in view, and a screen above and below; keep in place what was seen."""
        if not self._keys or self._painter is None:
            return
        self._settling = True
        while missing := [key for key in self._near() if key not in self._blocks]:
            anchor = self._anchor()
            self._draw(missing)
            self._restore(anchor)
        self._settling = False
        self.refresh()

    def _near(self) -> Iterator[int]:
        height, y = self.size.height, self.scroll_offset.y
        yield from self._keys[self._at(y - height) : self._at(y + 2 * height) + 1]

    def _anchor(self) -> tuple[int, int] | None:
        """The block at the upper edge, and how many of its lines are above; None at the end."""
        if self._at_end or not self._tops:
            return None
        index = self._at(self.scroll_offset.y)
        return self._keys[index], self.scroll_offset.y - self._tops[index]

    def _restore(self, anchor: tuple[int, int] | None) -> None:
        place = self.max_scroll_y
        if anchor is not None and anchor[0] in self._places:
            key, above = anchor
            place = self._tops[self._places[key]] + min(above, self._heights[key])
        settling, self._settling = self._settling, True
        self.scroll_to(y=place, animate=False, force=True, immediate=True)
        self._settling = settling

    def _look_around(self) -> None:
        """Say what is seen, and whether there should be more above."""
        if not self.is_mounted:
            return
        end = self.virtual_size.height - self.size.height  # where it may only be about to scroll to
        above = end if self._at_end else self.scroll_offset.y
        if self._order and not self.complete and above < self.size.height:
            self.post_message(self.OlderWanted())
        seen = self._seen_seq()
        if seen > self._seen:
            self._seen = seen
            self.post_message(self.Seen(seen))

    def _seen_seq(self) -> int:
        """The entry of the last message that does not go on below the lower edge."""
        edge = self.scroll_offset.y + self.size.height
        last = min(bisect_right(self._tops, edge - 1), len(self._order))
        if last and self._tops[last - 1] + self._heights[self._keys[last - 1]] > edge:
            last -= 1
        return self._order[last - 1][0] if last else 0


def _marked(strip: Strip, style: RichStyle) -> Strip:
    bar = Segment("▌", RichStyle(color=style.color, bgcolor=style.bgcolor))
    base = strip.crop(0, 1)
    ground = next((one.style.bgcolor for one in base if one.style), None)
    return Strip.join([Strip([bar], 1), Strip(_on(strip.crop(1), ground, style.bgcolor))])


def _on(strip: Strip, ground: Color | None, other: Color | None) -> Iterator[Segment]:
    """Another background, where there is the usual one."""
    for text, style, control in strip:
        if style is not None and style.bgcolor == ground:
            style += RichStyle(bgcolor=other)
        yield Segment(text, style, control)
