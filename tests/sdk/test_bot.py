"""The example bot does what it says."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from contextlib import aclosing
from pathlib import Path

from coterie.sdk import Client
from tests.sdk.people import PASSWORD, environment

BOT = Path(__file__).parents[2] / "examples" / "bot.py"


async def test_the_bot_answers(anna: Client, tmp_path: Path) -> None:
    await anna.create_group("club")
    link = str((await anna.create_invite("club")).link)
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        str(BOT),
        anna.server,
        link,
        cwd=tmp_path,
        env=environment(COTERIE_PASSWORD=PASSWORD),
        stdout=DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            questions = await _ask_until_answered(anna)
        answers = [m for m in await anna.read("club") if m.sender == "echo"]
        assert {answer.text for answer in answers} == {"hello"}
        assert {answer.reply_to_id for answer in answers} <= questions
    finally:
        bot.kill()
        await bot.wait()


async def _ask_until_answered(anna: Client) -> set[int]:
    """It hears what is said after it has come in: the ids of all that was asked."""
    questions: set[int] = set()
    while True:
        async with aclosing(anna.follow("club")) as news:
            questions.add((await anna.send("club", "!echo hello")).message_id)
            try:
                async with asyncio.timeout(2):
                    async for message in news:
                        if message.sender == "echo":
                            return questions
            except TimeoutError:
                continue
