"""`make demo`: sets the stage, plays the story, and stays up until interrupted unless told `--once`."""

import asyncio
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console

from usher.demo import story
from usher.demo.stage import Cli, Node, StageError, anvil_program, free_port, process, until_answering, usher_command
from usher.demo.story import EVENT, Scene
from usher.demo.teller import NotToldError, Teller
from usher.demo.visitor import Visitor
from usher.demo.wallet import Wallet, fresh_xpub

CHAIN = "eip155:31337"
CHAIN_NUMBER = "31337"


async def tell(folder: Path, console: Console, *, anvil: Path | None, once: bool) -> None:
    """Play the story in a folder of its own."""
    gate_port, metrics_port, node_port = free_port(), free_port(), free_port()
    base, node_url = f"http://127.0.0.1:{gate_port}", f"http://127.0.0.1:{node_port}"
    teller, platform = Teller(console), Wallet.fresh("the platform")
    node_command = [
        str(anvil or anvil_program()),
        "--host", "127.0.0.1", "--port", str(node_port), "--chain-id", CHAIN_NUMBER, "--no-mining",
    ]  # fmt: skip
    async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
        teller.chapter("The stage is set")
        await stack.enter_async_context(process(node_command, log=folder / "anvil.log"))
        node = Node(url=node_url, http=http)
        await node.ready()
        teller.step("anvil, a real EVM node, runs", shown={"RPC": node_url, "chain": CHAIN})
        cli = Cli(config=folder / "usher.toml")
        await cli.initialise(
            folder, chain=CHAIN, node=node_url, receive=platform.address, xpub=fresh_xpub(), port=gate_port,
            metrics_port=metrics_port,
        )  # fmt: skip
        cli.add_turn(f"turn:127.0.0.1:{free_port()}?transport=udp")
        teller.step("`usher init` wrote settings, fresh keys and the database", shown={"folder": folder})
        await story.publish(teller, cli, creator=f"{CHAIN}:{platform.address}")
        log = folder / "usher.log"
        serve = (*usher_command(), "--config", str(cli.config), "run")
        await stack.enter_async_context(process(serve, log=log))
        await until_answering(http, f"{base}/readyz", log=log)
        teller.step("`usher run` watches the chain and opened the gate", shown={"API": base})

        def visitor(name: str) -> Visitor:
            return Visitor(wallet=Wallet.fresh(name), base=base, event=EVENT, http=http)

        scene = Scene(
            tell=teller, cli=cli, node=node, ada=visitor("Ada"), ben=visitor("Ben"), eve=visitor("Eve"),
            receive=platform.address,
        )  # fmt: skip
        await story.play(scene)
        console.print(f"\n[bold green]All {teller.steps} steps happened.[/bold green]")
        if not once:
            await _stay(console, base, metrics_port)


async def _stay(console: Console, base: str, metrics_port: int) -> None:
    console.print("\nIt stays up until you press Ctrl-C. Open:")
    for path in ("/api/events", f"/api/events/{EVENT}", "/openapi.json", "/readyz", "/.well-known/jwks.json"):
        console.print(f"  {base}{path}", soft_wrap=True)
    console.print(f"  http://127.0.0.1:{metrics_port}/metrics", soft_wrap=True)
    await asyncio.Event().wait()


def main(
    *,
    once: Annotated[bool, typer.Option("--once", help="End by itself: status 0 if every step happened.")] = False,
    anvil: Annotated[Path | None, typer.Option(help="The node's program, if it is not where `make` puts it.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the folder with settings, logs and database.")] = False,
) -> None:
    """Tell the whole story on a real EVM node, through the doors that users have."""
    console = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="usher-demo-"))
    done = False
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(tell(folder, console, anvil=anvil, once=once))
        done = True
    except (NotToldError, StageError, TimeoutError, aiohttp.ClientError) as error:
        console.print(f"\n[bold red]The story broke off:[/bold red] {error or type(error).__name__}", soft_wrap=True)
        console.print(f"Logs and database are kept in {folder}", soft_wrap=True)
    finally:
        if done and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    typer.run(main)
