"""From the bytes a transaction carries (calldata, OP_RETURN) to their text; what it says is `grammar`'s. Pure."""

from memo.grammar import LONGEST

_MOST_BYTES = 4 * LONGEST  # UTF-8's longest character has four
_PADDING = "\0 \t\r\n"


def text_of(data: bytes) -> str | None:
    """Return the text, without the padding around it; None where these bytes write none.

    Text is strict UTF-8 without control characters: what is returned can be stored, logged and shown.
    """
    if len(data) > _MOST_BYTES:
        return None
    try:
        text = data.decode("utf-8", "strict").removeprefix("\ufeff").strip(_PADDING)
    except UnicodeDecodeError:
        return None
    return text if text and not any(_is_control(character) for character in text) else None


def _is_control(character: str) -> bool:
    """Whether this is one of Unicode's C0 and C1 controls."""
    return character < " " or "\x7f" <= character <= "\x9f"
