"""A bot in twenty lines: it joins by a link and repeats what it is told.

COTERIE_PASSWORD=… python examples/bot.py https://host 'https://host/join/CODE#SECRET'
"""

import asyncio
import os
import sys
from pathlib import Path

from coterie.sdk import Client
from coterie.sdk.errors import NotSignedUp

HOME = Path("echo-bot")


async def main(server: str, link: str) -> None:
    try:
        client = Client.open(HOME)
    except NotSignedUp:
        client, _ = await Client.sign_up(HOME, server, "echo", os.environ["COTERIE_PASSWORD"])
    async with client:
        group = str((await client.join(link)).group_id)
        async for message in client.follow(group):
            if message.text and message.text.startswith("!echo ") and not message.reactions:
                await client.send(group, message.text[6:], reply_to=message.message_id)
                await client.react(group, message.message_id, "👍")


asyncio.run(main(*sys.argv[1:]))
