"""`usher verify`: did this account sign this message? One signature or a stream; no node is asked unless named."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
import typer

from chains.account import CAIP10, Account, NotAnAccount
from chains.accounts import account_of, parse_caip10
from config.clock import utc_now
from config.registry import Network
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_record
from usher.cli.words import moment, pairs
from verifier.port import KEYS_ONLY, Lookup, Lookups
from verifier.texts import rfc3339
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict
from verifier.verify import verify

app = typer.Typer(rich_markup_mode=None)

LONGEST_LINE = 2**20
"""Bytes. A signature has at most 16 kB and a message a few; a longer line is read over, not kept."""
STANDARD_INPUT = Path("-")

_STATUS = {Valid: Exit.OK, Invalid: Exit.FAILED, Inconclusive: Exit.TEMPORARY}

Check = Callable[[str, str, str, datetime | None], Awaitable[Verdict]]
"""Comes to a verdict about account, message and signature as they were written, at a moment or by default now."""

Message = Annotated[str | None, typer.Option(help="The signed text.")]
MessageFile = Annotated[
    Path | None, typer.Option(help="A file with the signed text, byte for byte; - is standard input.")
]
Signature = Annotated[str | None, typer.Option(help="The signature.")]
SignatureFile = Annotated[Path | None, typer.Option(help="A file with the signature; - is standard input.")]
Jsonl = Annotated[
    bool,
    typer.Option(
        "--jsonl",
        help='Answer {"account","message","signature"} lines on standard input with {"verdict","reason"} lines.',
    ),
]
ChainUrl = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHAIN=URL", help="Ask this node about contract accounts, e.g. eip155:1=https://…; repeatable."
    ),
]
At = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="The moment that sign-in texts are judged at; now by default."),
]


@app.command("verify")
def check(
    account: Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="An address, or a CAIP-10 id.")] = None,
    *,
    message: Message = None,
    message_file: MessageFile = None,
    signature: Signature = None,
    signature_file: SignatureFile = None,
    jsonl: Jsonl = False,
    network: Annotated[Network | None, typer.Option(help="The network of the addresses; either by default.")] = None,
    chain_url: ChainUrl = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an account signed a message: valid, invalid or inconclusive (exit status 0, 1, 4).

    Unless --chain-url names a node of its chain, every account is taken for a key's: only an ERC-6492 signature, which
    speaks of a contract itself, and a Hive account's, whose keys its chain alone knows, are inconclusive then. With
    --jsonl the exit status tells nothing about the verdicts; a line may have an "at" of its own.
    """
    bench = _Bench(
        urls=pairs(chain_url or (), option="--chain-url"),
        networks=tuple(Network) if network is None else (network,),
        at=at,
    )
    if jsonl:
        asyncio.run(_answer_lines(bench))
        return
    if account is None:
        raise CommandError("name an ACCOUNT, or use --jsonl", Exit.USAGE)
    text = _given(message, message_file, "--message")
    proof = _given(signature, signature_file, "--signature").strip()
    verdict = asyncio.run(_answer_one(bench, account, text, proof))
    show_record(_told(verdict), as_json=as_json)
    raise typer.Exit(_STATUS[type(verdict)])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """What every verdict of one run is come to with."""

    urls: Mapping[str, str]  # of nodes, by CAIP-2 id
    networks: tuple[Network, ...]  # where an address is looked for
    at: datetime | None  # None: now

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Check]:
        """Open the way to the nodes, if there is any, and come to verdicts."""
        if not self.urls:
            yield partial(self._verdict, KEYS_ONLY)
            return
        from chains.evm.lookup import EvmLookup  # noqa: PLC0415  aiohttp, only where a node is named
        from chains.hive.lookup import HiveLookup  # noqa: PLC0415

        urls = {chain: [url] for chain, url in self.urls.items()}
        contracts, authorities = EvmLookup(urls), HiveLookup(urls)
        try:
            yield partial(self._verdict, Lookups(contracts=contracts, authorities=authorities))
        finally:
            await contracts.aclose()
            await authorities.aclose()

    async def _verdict(
        self, lookup: Lookup, account: str, message: str, signature: str, at: datetime | None
    ) -> Verdict:
        named = self._account(account)
        if isinstance(named, NotAnAccount):
            return Invalid(reason=named.reason)
        return await verify(named, message, signature, lookup=lookup, now=at or self.at or utc_now())

    def _account(self, text: str) -> Account | NotAnAccount:
        """Read the account on the first network that has it."""
        reading = parse_caip10 if CAIP10.fullmatch(text) else _bare_account
        named: Account | NotAnAccount = NotAnAccount(reason="no network was named")
        for network in self.networks:
            named = reading(text, network)
            if isinstance(named, Account):
                break
        return named


def _bare_account(address: str, network: Network) -> Account | NotAnAccount:
    return account_of(address, network=network)


async def _answer_one(bench: _Bench, account: str, message: str, signature: str) -> Verdict:
    async with bench.opened() as verdict_of:
        return await verdict_of(account, message, signature, None)


async def _answer_lines(bench: _Bench) -> None:
    """Answer each line before the next one is read, so that another program can hold a conversation."""
    async with bench.opened() as verdict_of:
        for line in _lines(sys.stdin.buffer):
            answer = _told(await _line_verdict(line, verdict_of))
            sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
            sys.stdout.buffer.flush()


async def _line_verdict(line: bytes | None, verdict_of: Check) -> Verdict:
    """Come to a verdict about one line; one that asks nothing proper is invalid for that reason."""
    if line is None:
        return Invalid(reason=f"the line is longer than {LONGEST_LINE} bytes")
    try:
        asked: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Invalid(reason="the line is not JSON in UTF-8")
    match asked:
        case {"account": str(account), "message": str(message), "signature": str(signature)}:
            at = rfc3339.moment(str(asked["at"])) if "at" in asked else None
            if "at" in asked and at is None:
                return Invalid(reason="`at` is no RFC 3339 time")
            return await verdict_of(account, message, signature, at)
    return Invalid(reason="the line is no object with the strings account, message and signature")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Give the lines as they arrive, None in place of one that is too long to keep."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE)
        yield None


def _given(text: str | None, file: Path | None, option: str) -> str:
    """Return what stands in the option, in its file or on standard input, byte for byte."""
    if (text is None) is (file is None):
        raise CommandError(f"give {option} or {option}-file", Exit.USAGE)
    if file is None:
        return text or ""
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()
        return data.decode("utf-8", "strict")
    except OSError as error:
        raise CommandError(f"{option}-file: {file}: {error.strerror}", Exit.USAGE) from None
    except UnicodeDecodeError:
        raise CommandError(f"{option}-file: {file} is not UTF-8", Exit.USAGE) from None


def _told(verdict: Verdict) -> dict[str, str]:
    match verdict:
        case Valid():
            return {"verdict": "valid", "reason": verdict.scheme}
        case Invalid():
            return {"verdict": "invalid", "reason": verdict.reason}
        case Inconclusive():
            return {"verdict": "inconclusive", "reason": verdict.reason}
