"""What aiohttp itself logs about requests it cannot read: that they came, never what was in them or from where."""

import logging

SERVER = "aiohttp.server"


class WithoutWords(logging.Filter):
    """Leaves an error's class and drops its text: a broken field line may hold a token, the peer is an address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; every one passes."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = "request_unreadable: %s", (type(error).__qualname__,)
            record.exc_info = record.exc_text = None
        return True


_FILTER = WithoutWords()


def keep_words_out() -> None:
    """Put the filter on aiohttp's server log. Safe to call again."""
    logging.getLogger(SERVER).addFilter(_FILTER)
