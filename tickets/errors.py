"""What must never happen at the box office, each with what to do. Refusals of a buyer's wish are values, not errors."""


class BoxOfficeError(Exception):
    """The box office cannot go on like this."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"{(type(self).__doc__ or '').strip()} ({detail})")


class IllegalMoveError(BoxOfficeError):
    """A change of state was asked for that its table does not have; decide again on what is stored now."""


class CountsError(BoxOfficeError):
    """A tier counts fewer places than its orders keep; stop and look at the database before selling on."""


class AddressMismatchError(BoxOfficeError):
    """The xpub gives other addresses than the ones stored for it; put the former xpub back into the settings."""
