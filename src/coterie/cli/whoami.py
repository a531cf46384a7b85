"""`coterie whoami`"""

from typing import TYPE_CHECKING

from coterie.cli.arguments import Json
from coterie.cli.output import say
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.client import Client


def whoami(as_json: Json = False) -> None:
    """Say which account and device this profile is.

    \b
    coterie whoami
    """
    account = ask(_account)
    device = ", on a provisional device" if "provisional" in account else ""
    say(as_json, account, f"{account['username']} at {account['server']}{device}")


async def _account(client: "Client") -> dict[str, object]:
    return {
        "user_id": client.user_id,
        "username": client.username,
        "device_id": client.device_id,
        "server": client.server,
        **({"provisional": True} if client.provisional else {}),
    }
