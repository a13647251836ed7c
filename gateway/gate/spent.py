"""Proofs that this gate knows to be spent. The database decides; this only spares a wallet what others send again."""

from collections import OrderedDict

SIZE = 65_536
"""Proofs remembered, the newest ones: some minutes of a busy door's, and none is good for longer."""


class SpentHere:
    """Digests of spent proofs. A proof is never unspent again, and so nothing here is ever wrong."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def note(self, digest: bytes) -> None:
        """Remember a proof, at the cost of the one that was noted first."""
        self._digests[digest] = None
        if len(self._digests) > self._size:
            self._digests.popitem(last=False)

    def __contains__(self, digest: bytes) -> bool:
        """Whether the proof is known to be spent."""
        return digest in self._digests
