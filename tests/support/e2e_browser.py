"""Real Chromium on pages of a site of their own, with a wallet in them. The pages' code is that of our guide."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from string import Template
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from playwright.async_api import Browser, Page, async_playwright

from tests.support.anvil import Anvil
from tests.support.e2e_guides import script
from tests.support.programs import program

GUIDE = "docs/guides/page-builder.md"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--allow-loopback-in-peer-connection",  # the only interface that every machine has
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # nobody answers multicast DNS here
)  # fmt: skip
PATIENCE_SECONDS = 30
ETHER = 10**18

PAGE = Template("""<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>A page</title>
<script type="module">
const { base, id } = Object.fromEntries(new URLSearchParams(location.search));
const show = (told) => report("order", told);
const meet = (peer, channel) => {
  channel.onopen = () => report("channel_open", peer);
  channel.onmessage = ({ data }) => report("text", data);
  channel.onclose = () => report("channel_closed", peer);
  window.say = (text) => channel.send(text);
};
const observe = (socket, peers) => {
  socket.addEventListener("message", ({ data }) => { const { type, ...told } = JSON.parse(data); report(type, told); });
  socket.addEventListener("close", ({ code }) => report("socket_closed", code));
  window.drawn = () => [...peers.keys()];
  window.route = async () => {
    const stats = [...(await [...peers.values()][0].getStats()).values()];
    const { selectedCandidatePairId: chosen } = stats.find(({ type }) => type === "transport");
    const { localCandidateId: ours } = stats.find(({ id }) => id === chosen);
    return stats.find(({ id }) => id === ours).candidateType;
  };
};
$begin
window.post = post;
window.buy = async () => {
$sell
return order;
};
const present = (grant) => {
$presence
observe(socket, peers);
};
window.enter = async () => {
$room
present(grant);
return grant;
};
window.reopen = async (resume) => {
$reload
present(grant);
return grant;
};
report("ready", wallet);
</script>""")


@dataclass(kw_only=True)  # open, as Playwright keeps a note on whatever it hands to a page
class Wallet:
    """What a browser's wallet does (EIP-1193): it shows one account, signs texts and sends transactions."""

    account: LocalAccount
    anvil: Anvil
    signed: list[str] = field(default_factory=list)  # texts, as its user saw them

    @classmethod
    def funded(cls, anvil: Anvil) -> "Wallet":
        """Make a wallet with a new key and some ether."""
        account = Account.create()
        anvil.rpc("anvil_setBalance", account.address, hex(10 * ETHER))
        return cls(account=account, anvil=anvil)

    @property
    def address(self) -> str:
        """The address as wallets hand it to pages: without EIP-55 capitals."""
        return str(self.account.address).lower()

    async def request(self, method: str, params: list[Any]) -> Any:
        """Answer a page."""
        match method, params:
            case "eth_requestAccounts", _:
                return [self.address]
            case "personal_sign", [text, signer] if signer == self.address:
                self.signed.append(text)
                return "0x" + bytes(self.account.sign_message(encode_defunct(text=text)).signature).hex()
            case "eth_sendTransaction", [wanted]:
                return await asyncio.to_thread(self._send, wanted)
            case _:
                raise ValueError(f"the wallet does not know {method} of {params}")

    def _send(self, wanted: dict[str, str]) -> str:
        assert wanted.keys() == {"from", "to", "value", "data", "chainId"}
        assert wanted["from"] == self.address
        price = int(self.anvil.rpc("eth_gasPrice"), 16)
        transaction = {
            "to": wanted["to"],
            "value": wanted["value"],
            "data": wanted["data"],
            "chainId": int(wanted["chainId"], 16),
            "nonce": int(self.anvil.rpc("eth_getTransactionCount", self.address, "pending"), 16),
            "gas": int(self.anvil.rpc("eth_estimateGas", wanted), 16),
            "maxFeePerGas": 2 * price,
            "maxPriorityFeePerGas": price,
        }
        raw = bytes(self.account.sign_transaction(transaction).raw_transaction)
        txid: str = self.anvil.rpc("eth_sendRawTransaction", "0x" + raw.hex())
        return txid


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody's page. What it reports is kept by kind until a test asks for it."""

    page: Page
    wallet: Wallet
    reports: defaultdict[str, asyncio.Queue[Any]] = field(default_factory=lambda: defaultdict(asyncio.Queue))

    async def hear(self, kind: str, within: float = PATIENCE_SECONDS) -> Any:
        """Wait for the page's next report of a kind."""
        async with asyncio.timeout(within):
            return await self.reports[kind].get()

    async def run(self, expression: str, given: Any = None) -> Any:
        """Evaluate JavaScript in the page."""
        return await self.page.evaluate(expression, given)

    async def open(self, url: str) -> None:
        """Go to a page and wait until its code has run."""
        await self.page.goto(url)
        await self.hear("ready")


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Chromium with a fresh profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium", variable="CHROMIUM"), args=FLAGS, headless=True
        )
        try:
            yield browser
        finally:
            await browser.close()


async def visitor(browser: Browser, wallet: Wallet) -> Visitor:
    """Open a browser context of its own, with a wallet injected into its pages."""
    context = await browser.new_context()
    who = Visitor(page=await context.new_page(), wallet=wallet)
    await who.page.expose_function("report", lambda kind, told: who.reports[kind].put_nowait(told))
    await who.page.expose_function("askWallet", wallet.request)
    await who.page.add_init_script(
        "window.ethereum = { request: ({ method, params }) => askWallet(method, params ?? []) }"
    )
    return who


@contextlib.asynccontextmanager
async def site(port: int) -> AsyncIterator[None]:
    """Serve the page on loopback, under whatever name a browser asks for it."""
    html = PAGE.substitute(
        begin=script(GUIDE, "Begin"), sell=script(GUIDE, "Sell a ticket"), room=script(GUIDE, "Open the room"),
        reload=script(GUIDE, "After a reload"), presence=script(GUIDE, "Presence"),
    )  # fmt: skip

    async def serve(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def address_of(origin: str, *, base: str, event: str) -> str:
    """Return the page's URL for one event of one gate."""
    return f"{origin}/?{urlencode({'base': base, 'id': event})}"
