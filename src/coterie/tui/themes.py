"""The two sets of colours, dark and light, and a colour for each name."""

from hashlib import blake2b
from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="coterie-dark",
    dark=True,
    primary="#7fb3d9",
    accent="#7fb3d9",
    foreground="#e4e6e9",
    background="#1c1f24",
    surface="#1c1f24",
    panel="#121417",
    warning="#e0b46c",
    error="#ea8f87",
    success="#8cc79a",
    variables={
        "quiet": "#9aa2ad",
        "rule": "#2c3138",
        "chosen": "#213443",
        "badge-text": "#121417",
        "footer-key-foreground": "#7fb3d9",
        "footer-background": "#121417",
        "border": "#7fb3d9",
        "border-blurred": "#2c3138",
        "scrollbar": "#2c3138",
        "scrollbar-background": "#1c1f24",
        "input-selection-background": "#7fb3d9 30%",
    },
)
LIGHT: Final = Theme(
    name="coterie-light",
    dark=False,
    primary="#2f6690",
    accent="#2f6690",
    foreground="#1c1f24",
    background="#ffffff",
    surface="#ffffff",
    panel="#f1efec",
    warning="#7d5700",
    error="#a5302a",
    success="#2c6b3f",
    variables={
        "quiet": "#5d646d",
        "rule": "#e3e0da",
        "chosen": "#e3eef6",
        "badge-text": "#ffffff",
        "footer-key-foreground": "#2f6690",
        "footer-background": "#f1efec",
        "border": "#2f6690",
        "border-blurred": "#e3e0da",
        "scrollbar": "#d3cfc7",
        "scrollbar-background": "#ffffff",
        "input-selection-background": "#2f6690 25%",
    },
)

NAMES_ON_DARK: Final = (
    "#8ab8e6", "#e6a98a", "#8fcf9f", "#d9a3d9", "#d9c27a", "#7fcfcf", "#e69aa8", "#b3a8ea",
)  # fmt: skip
NAMES_ON_LIGHT: Final = (
    "#1f5f99", "#9a4a1c", "#23703a", "#8a2f8a", "#735800", "#0f6b6b", "#a82a4a", "#5747ad",
)  # fmt: skip


def name_colour(name: str, *, dark: bool) -> str:
    """The same for one name on every device, legible on the theme's background."""
    colours = NAMES_ON_DARK if dark else NAMES_ON_LIGHT
    return colours[blake2b(name.encode(), digest_size=8).digest()[0] % len(colours)]
