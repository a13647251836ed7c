"""From the bytes a transaction carries (calldata, OP_RETURN) to their text; what it says is `grammar`'s. Pure."""

from collections.abc import Iterable

from memo.grammar import LONGEST

MOST_TOGETHER = LONGEST
"""Characters of all texts of one transaction together. They are kept with each of its payments: without a bound, what
costs a payer some kilobytes would cost us their number multiplied by that of the outputs beside them."""
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


def texts_of(parts: Iterable[bytes]) -> tuple[str, ...]:
    """Return the texts that one transaction carries, each once, in their order; those that do not fit are left out."""
    texts: list[str] = []
    room = MOST_TOGETHER
    for text in dict.fromkeys(text for data in parts if (text := text_of(data)) is not None):
        if len(text) <= room:
            texts.append(text)
            room -= len(text)
    return tuple(texts)


def _is_control(character: str) -> bool:
    """Whether this is one of Unicode's C0 and C1 controls."""
    return character < " " or "\x7f" <= character <= "\x9f"
