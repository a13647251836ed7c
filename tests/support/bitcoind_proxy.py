"""A proxy in front of a real bitcoind that can lag, lie or lack what other nodes of the family lack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from tests.support.lying_node import JSON, LyingNode, lying_node

OUT_OF_RANGE = {"code": -8, "message": "Block height out of range"}


@dataclass(slots=True)
class LyingBitcoind(LyingNode):
    """What the proxy does to answers; errors of the node are passed on as they are."""

    renamed: dict[str, str] = field(default_factory=dict)  # hashes that are asked for, and what the node calls them

    async def _answer(self, session: aiohttp.ClientSession, call: dict[str, Any]) -> dict[str, Any]:
        method = call["method"]
        params: list[Any] = [self.renamed.get(one, one) if isinstance(one, str) else one for one in call["params"]]
        self.asked.append(method)
        error = self.deny(method, params)
        if error is None and self.lag and method in _OF_THE_TIP:
            seen: int = (await self._outcome(session, "getblockcount", []))["result"] - self.lag
            if method == "getblockhash" and params[0] > seen:
                error = OUT_OF_RANGE
            told = await self._lagging(session, method, params, seen)
        else:
            told = await self._outcome(session, method, params)
        if error is not None or told.get("error") is not None:
            return {"jsonrpc": "2.0", "id": call["id"], "error": error or told["error"]}
        return {"jsonrpc": "2.0", "id": call["id"], "result": self.twist(method, params, told["result"])}

    async def _lagging(
        self, session: aiohttp.ClientSession, method: str, params: list[Any], seen: int
    ) -> dict[str, Any]:
        newest = await self._outcome(session, "getblockhash", [seen])
        if method == "getbestblockhash":
            return newest
        told = await self._outcome(session, method, params)
        if method == "getblockchaininfo":
            told["result"] |= {"blocks": seen, "headers": seen, "bestblockhash": newest["result"]}
        return told

    async def _outcome(self, session: aiohttp.ClientSession, method: str, params: list[Any]) -> dict[str, Any]:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with session.post(self.upstream, data=orjson.dumps(question), headers=JSON) as response:
            outcome: dict[str, Any] = orjson.loads(await response.read())
            return outcome


_OF_THE_TIP = {"getblockchaininfo", "getbestblockhash", "getblockhash"}


@asynccontextmanager
async def lying_bitcoind(upstream: str, **faults: Any) -> AsyncIterator[LyingBitcoind]:
    """Run a proxy in front of a node; it tells the truth until told otherwise."""
    async with lying_node(upstream, kind=LyingBitcoind, **faults) as node:
        assert isinstance(node, LyingBitcoind)
        yield node
