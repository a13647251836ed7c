"""A real Litecoin node on its own chain (litecoind -regtest): an older cousin of bitcoind with extension blocks."""

import contextlib
from collections.abc import Iterator
from functools import cache

from tests.support.bitcoind import COIN, MATURITY, MINER, Bitcoind, started
from tests.support.programs import ROOT, free_port, new_enough, program, scratch

OLDEST = (0, 21)
"""Older ones know no extension blocks."""
EXTENDED = 432
"""The first height of regtest whose block has an extension block (MWEB, LIP-3): after three periods of votes."""
_PATIENCE = "-rpcservertimeout=1"
"""Seconds after which it hangs up on who asks nothing. It ends no sooner, and would be killed with blocks unsaved."""


class Litecoind(Bitcoind):
    """Litecoin Core 0.21. Its wallets know no P2TR, and the build of Debian no descriptors."""

    def add_wallet(self, name: str) -> None:
        """Make a wallet that is loaded again after a restart."""
        self.rpc("createwallet", name, False, False, "", False, False, True)

    def extend(self) -> None:
        """Mine up to the first extension block. The node makes none that would be empty, so coins are moved into it."""
        self.mine(EXTENDED - 1 - self.height)
        self.pay_as_it_likes(self.address("mweb"), COIN)
        self.mine()

    def mine_only(self, *transactions: str, to: str | None = None) -> str:
        """Mine one block with just these transactions; where blocks are extended, they must be all that waits."""
        if self.height + 1 < EXTENDED:
            return super().mine_only(*transactions, to=to)
        assert set(self.rpc("getrawmempool")) == set(transactions)
        return self.mine(to=to)[0]

    def pay_as_it_likes(self, address: str, amount: int, *, wallet: str = MINER) -> str:
        """Have a wallet pay from whatever coins it chooses, to or from the extension too, and return the id."""
        txid: str = self.rpc("sendtoaddress", address, f"{amount // COIN}.{amount % COIN:08}", wallet=wallet)
        self.rpc("sendrawtransaction", self.raw(txid, wallet=wallet))  # "any fee" is refused for the extension
        return txid


@cache
def litecoind_path() -> str:
    """Return where litecoind is. Raises OutdatedProgramError where it is too old."""
    path = program("litecoind", variable="LITECOIND", also=[ROOT / ".nodes" / "bin" / "litecoind"])
    return new_enough(path, OLDEST, option="-version")


@contextlib.contextmanager
def litecoind_node(*arguments: str, blocks: int = 2 * MATURITY) -> Iterator[Litecoind]:
    """Run litecoind on a fresh chain of so many blocks, with wallets `miner`, whose coins are mature, and `buyer`."""
    own = (_PATIENCE, *arguments)
    made = Litecoind(folder=scratch("litecoind"), port=free_port(), arguments=own, program=litecoind_path())
    with started(made, blocks) as node:
        yield node
