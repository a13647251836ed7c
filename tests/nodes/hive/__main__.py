"""Runs the emulation as a node of its own: `python -m tests.nodes.hive --port 8091 --every 3`."""

import argparse
import asyncio
from datetime import UTC, datetime

from tests.nodes.hive.chain import STARTED, TEST, Emulation
from tests.nodes.hive.server import Node, produce, serving


async def run(options: argparse.Namespace) -> None:
    """Serve until killed."""
    today = options.today or options.every
    chain = Emulation(
        chain_id=options.chain_id,
        symbols_of_test=options.test_symbols,
        irreversible_after=options.irreversible_after,
        started=now() if today else STARTED,
        clock=now if today else None,
    )
    chain.mine(options.blocks)
    async with serving(Node(chain, steered=True), host=options.host, port=options.port) as node:
        print(node.url, flush=True)  # noqa: T201  whoever started it waits for this line
        if options.every:
            await produce(chain, options.every)
        await asyncio.Event().wait()


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.nodes.hive", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--chain-id", default=TEST, help="64 hex digits")
    parser.add_argument("--test-symbols", action="store_true", help="TESTS, TBD and TST instead of HIVE, HBD and STM")
    parser.add_argument(
        "--irreversible-after", type=int, default=2, help="blocks on top of one until it is irreversible"
    )
    parser.add_argument("--today", action="store_true", help="let blocks bear this machine's time")
    parser.add_argument("--every", type=float, default=0, help="produce a block every so many seconds, today's")
    parser.add_argument("--blocks", type=int, default=3, help="to begin with")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
