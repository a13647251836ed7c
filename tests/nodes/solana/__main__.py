"""`python -m tests.nodes.solana --port 8899 [--finality 8] [--confirmed 0] [--interval 0.4]`: the emulated node."""

import argparse
import asyncio
import time
from contextlib import suppress

from tests.nodes.solana.ledger import SLOT_MILLISECONDS, Ledger
from tests.nodes.solana.server import mine_always, serving


async def serve(given: argparse.Namespace) -> None:
    """Serve until interrupted. With an interval blocks come by themselves and carry the time of the day."""
    by_itself = given.interval is not None
    ledger = Ledger(
        finality=given.finality,
        confirmed=given.confirmed,
        slot_milliseconds=int(given.interval * 1000) if by_itself else SLOT_MILLISECONDS,
        clock=(lambda: int(time.time())) if by_itself or given.today else None,
    )
    async with serving(ledger, given.port) as server:
        print(server.url, flush=True)  # noqa: T201  whoever started it waits for this line
        await (mine_always(ledger, given.interval) if by_itself else asyncio.Event().wait())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.nodes.solana", description=__doc__)
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--finality", type=int, default=32, help="confirmations at which a block is final")
    parser.add_argument("--confirmed", type=int, default=0, help="blocks that `confirmed` is behind the newest")
    parser.add_argument("--interval", type=float, help="seconds between blocks; without it, `emulator_mine` makes them")
    parser.add_argument("--today", action="store_true", help="blocks carry the time of the day, whoever makes them")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
