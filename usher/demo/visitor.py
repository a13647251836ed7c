"""A VR page as Usher sees it: the HTTP and websocket calls it makes for one wallet. It decides nothing."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from usher.demo.ground import Wallet

PATIENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer: its status and its JSON."""

    status: int
    body: dict[str, Any]
    retry_after: int | None = None  # seconds

    @property
    def code(self) -> str:
        """The stable code of a refusal, "" for anything else."""
        return str(self.body.get("code", ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """One person's page."""

    wallet: Wallet
    base: str  # of the gate, e.g. http://127.0.0.1:8080
    event: str
    http: aiohttp.ClientSession

    async def buy(self, payment_method: str) -> Answer:
        """Open an order for one ticket."""
        wish = {"event_id": self.event, "payment_method": payment_method, "wallet_address": self.wallet.address}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self._post("/api/events/purchase", wish, key)
                if answer.retry_after is None:
                    return answer
                await asyncio.sleep(answer.retry_after)

    async def order(self, order_id: str) -> dict[str, Any]:
        """Ask for an order's state."""
        async with self.http.get(f"{self.base}/api/orders/{order_id}") as response:
            body: dict[str, Any] = await response.json()
            return body

    async def order_states(self, order_id: str) -> AsyncIterator[dict[str, Any]]:
        """Follow an order over its stream of server-sent events."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_SECONDS)
        async with self.http.get(f"{self.base}/api/orders/{order_id}/stream", timeout=timeout) as response:
            async for line in response.content:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    async def challenge(self) -> str:
        """Ask for the text to sign."""
        answer = await self._post(f"/api/events/{self.event}/challenge", {"wallet_address": self.wallet.address})
        return str(answer.body["message"])

    async def join(self, message: str, signature: str) -> Answer:
        """Show a signed text at the door."""
        return await self._post(
            f"/api/events/{self.event}/join",
            {"wallet_address": self.wallet.address, "message": message, "signature": signature},
        )

    async def join_at(self, timestamp: int) -> Answer:
        """Show the one-line text with a timestamp in milliseconds, as older pages do."""
        signature = await self.wallet.sign(f"Access event {self.event} at {timestamp}")
        return await self._post(
            f"/api/events/{self.event}/join",
            {"wallet_address": self.wallet.address, "timestamp": timestamp, "signature": signature},
        )

    async def enter(self, grant: dict[str, Any]) -> "Presence":
        """Open the presence socket with a grant."""
        socket = await self.http.ws_connect(grant["websocket_url"])
        await socket.send_json({"type": "auth", "token": grant["session_token"]})
        presence = Presence(socket)
        await presence.hear("welcome")
        return presence

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        async with self.http.post(f"{self.base}{path}", json=body, headers=headers) as response:
            retry_after = response.headers.get("Retry-After")
            return Answer(
                status=response.status,
                body=await response.json(content_type=None),
                retry_after=int(retry_after) if retry_after else None,
            )


class Presence:
    """An open presence socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def hear(self, kind: str) -> dict[str, Any]:
        """Wait for the next message of a kind."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message: dict[str, Any] = await self._socket.receive_json()
                if message["type"] == kind:
                    return message

    async def leave(self) -> None:
        """Close the socket."""
        await self._socket.close()
