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
from usher.demo.grounds import GROUNDS, Open, usual
from usher.demo.stage import Cli, StageError, free_port, process, until_answering, usher_command
from usher.demo.story import EVENT, Scene
from usher.demo.teller import NotToldError, Teller
from usher.demo.visitor import Visitor

EVERY = "all"


async def tell(folder: Path, console: Console, opened: Open, *, once: bool) -> None:
    """Play the story in a folder of its own."""
    gate_port, metrics_port = free_port(), free_port()
    base, teller = f"http://127.0.0.1:{gate_port}", Teller(console)
    async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
        teller.chapter("The stage is set")
        ground = await stack.enter_async_context(opened(folder, http))
        teller.step(ground.title, shown={"chain": ground.chain})
        deployment = await ground.deployment()
        cli = Cli(config=folder / "usher.toml")
        await cli.initialise(
            folder, chain=ground.chain, deployment=deployment, port=gate_port, metrics_port=metrics_port
        )
        cli.add_turn(f"turn:127.0.0.1:{free_port()}?transport=udp")
        teller.step("`usher init` wrote settings, fresh keys and the database", shown={"folder": folder})
        await story.publish(teller, cli, ground, creator=f"{ground.chain}:{deployment.receive}")
        log = folder / "usher.log"
        serve = (*usher_command(), "--config", str(cli.config), "run")
        await stack.enter_async_context(process(serve, log=log))
        await until_answering(http, f"{base}/readyz", log=log)
        teller.step("`usher run` watches the chain and opened the gate", shown={"API": base})

        async def visitor(name: str) -> Visitor:
            return Visitor(wallet=await ground.wallet(name), base=base, event=EVENT, http=http)

        ada, ben, eve = await visitor("Ada"), await visitor("Ben"), await visitor("Eve")
        await story.play(Scene(tell=teller, cli=cli, ground=ground, ada=ada, ben=ben, eve=eve))
        console.print(f"\n[bold green]All {teller.steps} steps happened.[/bold green]")
        if not once:
            await _stay(console, base, metrics_port)


async def _stay(console: Console, base: str, metrics_port: int) -> None:
    console.print("\nIt stays up until you press Ctrl-C. Open:")
    for path in ("/api/events", f"/api/events/{EVENT}", "/openapi.json", "/readyz", "/.well-known/jwks.json"):
        console.print(f"  {base}{path}", soft_wrap=True)
    console.print(f"  http://127.0.0.1:{metrics_port}/metrics", soft_wrap=True)
    await asyncio.Event().wait()


Name = Annotated[
    str | None,
    typer.Option(
        "--chain",
        metavar="|".join((*GROUNDS, EVERY)),
        help="Where it plays: Ethereum by default, Solana where there is nothing but Python.",
    ),
]


def main(
    *,
    chain: Name = None,
    once: Annotated[bool, typer.Option("--once", help="End by itself: status 0 if every step happened.")] = False,
    anvil: Annotated[Path | None, typer.Option(help="Ethereum's node, if it is not where `make` puts it.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the folder with settings, logs and database.")] = False,
) -> None:
    """Tell the whole story on a real node, through the doors that users have."""
    console = Console(highlight=False)
    named = chain or ("ethereum" if anvil else usual())
    if named not in (*GROUNDS, EVERY):
        raise typer.BadParameter(f"there are {', '.join(GROUNDS)} and {EVERY}", param_hint="--chain")
    chosen = tuple(GROUNDS) if named == EVERY else (named,)
    for name in chosen:
        if len(chosen) > 1:
            console.rule(name)
        if not _told(console, GROUNDS[name](anvil), once=once or name != chosen[-1], keep=keep):
            sys.exit(1)


def _told(console: Console, opened: Open, *, once: bool, keep: bool) -> bool:
    """Play the story once; what it left behind is kept where it broke off."""
    folder = Path(tempfile.mkdtemp(prefix="usher-demo-"))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(tell(folder, console, opened, once=once))
    except (NotToldError, StageError, TimeoutError, aiohttp.ClientError) as error:
        console.print(f"\n[bold red]The story broke off:[/bold red] {error or type(error).__name__}", soft_wrap=True)
        console.print(f"Logs and database are kept in {folder}", soft_wrap=True)
        return False
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return True


if __name__ == "__main__":
    typer.run(main)
