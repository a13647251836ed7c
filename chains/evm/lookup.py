"""Asks EVM nodes what a contract says of a signature (ERC-1271, ERC-6492), within narrow bounds, on one chain only.

Its endpoints, connections and places in the queue are its own, apart from the watcher's: strangers' questions at the
door never hold up the reading of payments. web3 is not loaded here, for the gate lives without it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from chains.account import Account
from chains.evm.validator import Finding, question, verdict_of
from chains.rpc import EndpointError, Observer, Spoken, Trouble, ignore
from config.settings import ChainSettings
from verifier.verdict import Inconclusive, Invalid, Verdict

_LARGEST_ANSWER = 65_536
"""Bytes. The answer we want has some fifty; a node's error may explain itself at length."""

_FINDINGS = {f"0x{finding:02x}": finding for finding in Finding}
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What one question may cost, and how many may be asked at once of a chain."""

    gas: int = 5_000_000
    seconds: float = 2.0  # the wait for a place included
    in_flight: int = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """One endpoint of a chain."""

    index: int  # its place in the configuration
    url: str  # may hold a key: never spoken of


class _Pool:
    """The endpoints of one chain, the last one that answered first, and the places in the queue before them."""

    def __init__(self, urls: Sequence[str], in_flight: int) -> None:
        self.nodes = [_Node(index=index, url=url) for index, url in enumerate(urls)]
        self.places = asyncio.Semaphore(in_flight)

    def put_last(self, node: _Node) -> None:
        """Ask this one after all others from now on."""
        self.nodes.sort(key=lambda other: other is node)


class EvmLookup:
    """The `verifier.port.ContractLookup` of EVM chains."""

    def __init__(
        self, endpoints: Mapping[str, Sequence[str]], *, bounds: Bounds | None = None, observer: Observer = ignore
    ) -> None:
        """Take the URLs by CAIP-2 id. Nothing is opened before the first question."""
        self._bounds = bounds or Bounds()
        self._observer = observer
        self._pools = {chain: _Pool(urls, self._bounds.in_flight) for chain, urls in endpoints.items()}
        self._session: aiohttp.ClientSession | None = None

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:
        """Return the verdict of the contract at this account on its own chain, within the bounds."""
        pool = self._pools.get(account.chain)
        if pool is None:
            return Inconclusive(reason=f"no endpoint of {account.chain} is configured here")
        data = question(account, digest, signature)
        if data is None:
            return Invalid(reason="the signature's ERC-6492 wrapping is malformed")
        deadline = asyncio.get_running_loop().time() + self._bounds.seconds
        try:
            async with asyncio.timeout_at(deadline):
                await pool.places.acquire()
        except TimeoutError:
            return Inconclusive(reason=f"too many questions to {account.chain} are under way")
        try:
            return await self._ask(account, pool, data, deadline)
        finally:
            pool.places.release()

    async def aclose(self) -> None:
        """Close the connections. Safe to call twice."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, account: Account, pool: _Pool, data: bytes, deadline: float) -> Verdict:
        """Ask one endpoint after the other, giving each an equal share of the time that is left."""
        call = {"gas": hex(self._bounds.gas), "data": f"0x{data.hex()}"}
        request = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]})
        nodes = tuple(pool.nodes)
        for place, node in enumerate(nodes):
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(left / (len(nodes) - place)):
                    finding = _finding(await self._post(node.url, request))
            except EndpointError as error:
                trouble: Trouble | None = error.trouble
            except (aiohttp.ClientError, TimeoutError, OSError):
                trouble = Trouble.UNREACHABLE
            else:
                trouble = Trouble.WRONG_CHAIN if finding is Finding.OTHER_CHAIN else None
            self._observer(Spoken(chain=account.chain, endpoint=node.index, method="eth_call", trouble=trouble))
            if trouble is None:
                return verdict_of(finding, account)
            pool.put_last(node)
        return Inconclusive(reason=f"no endpoint of {account.chain} gave a usable answer")

    async def _post(self, url: str, request: bytes) -> bytes:
        """Return an answer's bytes. No redirect is followed: endpoints are the operator's choice alone."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), headers={"Content-Type": "application/json"}
            )
        async with self._session.post(url, data=request, allow_redirects=False) as response:
            if response.status != _OK:
                raise EndpointError(Trouble.UNREACHABLE)
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    raise EndpointError(Trouble.TOO_LARGE)
            return bytes(body)


def open_lookup(
    chains: Mapping[str, ChainSettings], *, bounds: Bounds | None = None, observer: Observer = ignore
) -> EvmLookup:
    """Return the lookup for every EVM chain of the settings (by CAIP-2 id)."""
    endpoints = {
        chain: [endpoint.url.get_secret_value() for endpoint in settings.endpoints]
        for chain, settings in chains.items()
        if chain.startswith("eip155:")
    }
    return EvmLookup(endpoints, bounds=bounds, observer=observer)


def _finding(body: bytes) -> Finding:
    """Read a node's answer. The validator never reverts, so that an error is the node's own and decides nothing."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EndpointError(Trouble.MALFORMED) from None
    if not isinstance(answer, dict):
        raise EndpointError(Trouble.MALFORMED)
    if "error" in answer:
        raise EndpointError(Trouble.REFUSED)
    finding = _FINDINGS.get(str(answer.get("result")))
    if finding is None:
        raise EndpointError(Trouble.MALFORMED)
    return finding
