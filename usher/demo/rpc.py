"""The RPC door of a node, as the story's wallets use it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from usher.demo.stage import START_SECONDS, StageError


@dataclass(frozen=True, kw_only=True, slots=True)
class Rpc:
    """JSON-RPC over HTTP."""

    url: str
    http: aiohttp.ClientSession

    async def call(self, method: str, *params: Any, **named: Any) -> Any:
        """Call a method, by position or by name, and return its result."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": named or params}
        answer = await self.post("", request)
        if answer.get("error") is not None:
            raise StageError(f"{method}: {answer['error']}")
        return answer["result"]

    async def post(self, path: str, body: Any) -> Any:
        """Post JSON below the URL and return the answer."""
        async with self.http.post(f"{self.url}{path}", json=body) as response:
            return await response.json(content_type=None)

    async def ready(self, method: str, *params: Any) -> None:
        """Wait until the node answers this."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    if await self._answers(method, *params):
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StageError(f"{method} is not answered") from None

    async def _answers(self, method: str, *params: Any) -> bool:
        try:
            await self.call(method, *params)
        except (aiohttp.ClientError, StageError):  # not there yet, or warming up
            return False
        return True
