"""What can go wrong with the database, by what the caller should do."""


class StoreError(Exception):
    """The database could not do the work."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{(type(self).__doc__ or '').strip()}{f' ({detail})' if detail else ''}")


class StoreUnavailableError(StoreError):
    """The database is locked, full or away; nothing was stored, try again later."""


class StoreOverloadedError(StoreUnavailableError):
    """More work is waiting for the database than it can do soon; nothing was stored, try again later."""


class StoreUncertainError(StoreUnavailableError):
    """The connection broke while COMMIT was on its way; look whether it was stored before you try again."""


class StoreOutdatedError(StoreError):
    """The database is at another revision than this program; run `usher db upgrade`."""
