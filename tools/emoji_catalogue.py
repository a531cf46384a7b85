"""Write `src/coterie/sdk/emoji.gen.txt`: the catalogue over which reaction tokens are inverted.

Run as `python tools/emoji_catalogue.py`, with the package `emoji` (2.16.0) installed for it. The
commonest come first, because most inversions end among them; the rest in code point order.
"""

from pathlib import Path

import emoji

OUTPUT = Path(__file__).parents[1] / "src/coterie/sdk/emoji.gen.txt"
COMMONEST = """
👍 ❤️ 😂 🎉 😮 😢 🙏 🔥 👎 😍 🤣 👏 😊 😭 🥰 😘 😅 🤔 💯 👀
✅ 🚀 😁 😆 😎 😡 🤯 🥳 🤗 🙌 💪 👌 😉 😄 😃 🙂 🙃 😋 😜 🤪
😏 😒 😔 😴 🤤 😱 😳 🥺 😤 🤬 💀 💩 🤡 👻 👋 🤝 ✌️ 🤞 🤘 👇
👆 👉 👈 ☝️ ✋ 💜 💙 💚 💛 🧡 🖤 🤍 💔 💕 💖 ✨ ⭐ 🌟 ⚡ ☀️
🌈 🌹 🌸 🍀 ☕ 🍺 🍻 🥂 🍕 🎂 🎁 🎈 🏆 🥇 ⚽ 🎵 📌 📎 💡 ⏰
❓ ❗ ❌ 🆗 🔔 🐛 🤖 👑 💎 💰 🍿 🐱 🐶 🦄 🙈 🤷 🤦 🫡
"""


def catalogue() -> list[str]:
    complete = emoji.STATUS["fully_qualified"]
    every = sorted(key for key, data in emoji.EMOJI_DATA.items() if data["status"] == complete)
    commonest = COMMONEST.split()
    strangers = set(commonest) - set(every)
    if strangers:
        raise SystemExit(f"not fully qualified: {' '.join(strangers)}")
    return list(dict.fromkeys(commonest + every))


if __name__ == "__main__":
    OUTPUT.write_text("\n".join(catalogue()) + "\n", "utf-8")
