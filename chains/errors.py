"""What can go wrong with a chain, by what to do about it. A reorg or a late block is no error and never stands here."""


class ChainError(Exception):
    """The chain could not be read."""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{(type(self).__doc__ or '').strip()}{f' ({detail})' if detail else ''}")


class TransientError(ChainError):
    """The chain's endpoints do not answer usefully right now; wait, back off and try the next one."""


class PersistentError(ChainError):
    """The chain must stop until the operator has looked at it; waiting will not help."""


class DeepReorgError(PersistentError):
    """A block that was final is no longer on the chain; sales in its assets pause until the operator decides."""


class WrongChainError(PersistentError):
    """The endpoint speaks for another chain than the one configured."""
