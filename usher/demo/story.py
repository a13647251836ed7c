"""The story itself, chapter by chapter: a payment becomes a ticket, a ticket opens a room, and what is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chains import qr
from chains.evm import uri
from config.clock import utc_now
from usher.demo.stage import Cli, Node
from usher.demo.teller import NotToldError, Teller
from usher.demo.visitor import PATIENCE_SECONDS, Answer, Presence, Visitor

Ask = Callable[[], Awaitable[dict[str, Any] | None]]

EVENT = "first-light"
PRICE = "0.05"
STALE = timedelta(minutes=10)
ROOT_BALANCE = 10**20
CREATED = 201
OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything the story is played with."""

    tell: Teller
    cli: Cli
    node: Node
    ada: Visitor  # pays exactly as the link says
    ben: Visitor  # pays from the command line of his wallet, with the memo in calldata
    eve: Visitor  # tries what must be refused
    receive: str  # the platform's own address, where bare memos go


async def play(scene: Scene) -> None:
    """Tell the whole story; raises NotToldError at the first step that did not happen."""
    for visitor in (scene.ada, scene.ben, scene.eve):
        await scene.node.call("anvil_setBalance", visitor.wallet.address, hex(ROOT_BALANCE))
    await buy_by_link(scene)
    await buy_by_memo(scene)
    proof, grant = await enter(scene)
    ada = await scene.ada.enter(grant)
    ben = await meet(scene, ada)
    await refuse(scene, proof)
    await lose_a_payment(scene)
    await ada.leave()
    await ben.leave()


async def publish(tell: Teller, cli: Cli, *, creator: str) -> None:
    """Create the event through the command line."""
    tell.chapter("A creator publishes an event")
    now = utc_now()
    moments = {
        "--doors-at": now - timedelta(hours=1),
        "--starts-at": now,
        "--sales-end": now + timedelta(hours=2),
        "--ends-at": now + timedelta(hours=3),
    }
    times = [part for flag, at in moments.items() for part in (flag, at.isoformat(timespec="seconds"))]
    event = await cli(
        "events", "create", "--slug", EVENT, "--title", "First Light", "--description", "A concert in a cave.",
        "--creator", creator, "--space-type", "custom", "--space-id", "cave", "--capacity", "10",
        "--price", f"eth={PRICE}", *times,
    )  # fmt: skip
    tell.expect(event, f"`usher events create` made “First Light”: 10 places at {PRICE} ETH", shown={"event": EVENT})


async def buy_by_link(scene: Scene) -> None:
    """Ada opens an order and pays exactly what its ERC-681 link says."""
    tell, node = scene.tell, scene.node
    tell.chapter("Ada buys a ticket with the payment link")
    order = await _order(scene, scene.ada)
    tell.expect(
        order["payment_uri"].startswith("ethereum:"),
        "The ERC-681 link, as text and as QR code",
        shown={"link": order["payment_uri"]},
    )
    tell.picture(qr.terminal(order["payment_uri"]))
    tell.expect(
        order["transaction"], "The transaction for a browser's wallet, memo included", shown=order["transaction"]
    )

    to, wei = _read_link(order["payment_uri"])
    txid = await scene.ada.wallet.send(node, to=to, value=wei)
    tell.step("Ada's wallet paid what the link said, nothing else", shown={"transaction": txid})
    done = await _follow(scene, scene.ada, order["order_id"])
    token = done["tickets"][0]["token"]
    tell.expect(token.count(".") == 2, "A signed ticket was minted", shown={"token": token})  # noqa: PLR2004  RFC 7515 compact form


async def buy_by_memo(scene: Scene) -> None:
    """Ben opens no order: a transfer with the memo in calldata is enough."""
    tell, node, ben = scene.tell, scene.node, scene.ben
    tell.chapter("Ben pays from his wallet, with the memo in calldata and without any page")
    memo = f"event:{EVENT}:wallet:{ben.wallet.address}"
    txid = await ben.wallet.send(node, to=scene.receive, value=PRICE_WEI, data="0x" + memo.encode().hex())
    tell.step("Ben's wallet sent 0.05 ETH", shown={"memo": memo, "transaction": txid})
    payment = await _mine_until(scene, lambda: _payment(scene, txid), lambda seen: seen["outcome"] == "minted")
    tell.expect(payment, "The watcher understood the memo and minted", shown={"payment": (payment or {}).get("id")})
    tickets = await scene.cli("tickets", "list", "--event", EVENT)
    mine = [ticket for ticket in tickets if ben.wallet.address.lower() in ticket["account"].lower()]
    tell.expect(
        len(mine) == 1, "`usher tickets list` shows Ben's ticket", shown={"ticket": mine[0]["id"] if mine else None}
    )


async def enter(scene: Scene) -> tuple[tuple[str, str], dict[str, Any]]:
    """Ada signs the challenge and is let in; returns her proof and her grant."""
    tell, ada = scene.tell, scene.ada
    tell.chapter("At the door")
    text = await ada.challenge()
    tell.step("The gate wrote a text to sign")
    tell.picture("\n".join(f"      │ {line}" for line in text.splitlines()))
    signature = ada.wallet.sign(text)
    answer = await ada.join(text, signature)
    tell.expect(answer.body.get("access_granted"), "Ada signed it, and the door opened", shown=_refusal(answer))
    turn = answer.body["turn_credentials"]
    tell.expect(
        turn["username"] and turn["credential"],
        "TURN credentials",
        shown={name: turn[name] for name in ("username", "ttl", "uris")},
    )
    return (text, signature), answer.body


async def meet(scene: Scene, ada: Presence) -> Presence:
    """Ben joins, and Ada's page sees somebody come in."""
    tell, ben = scene.tell, scene.ben
    text = await ben.challenge()
    answer = await ben.join(text, ben.wallet.sign(text))
    tell.expect(answer.body.get("access_granted"), "Ben's wallet opened the door as well", shown=_refusal(answer))
    inside = await ben.enter(answer.body)
    joined = await ada.hear("joined")
    tell.expect(
        joined.get("peer"), "Ada's presence socket saw a second visitor come in", shown={"peer": joined.get("peer")}
    )
    return inside


async def refuse(scene: Scene, proof: tuple[str, str]) -> None:
    """What must not open the door does not."""
    tell, ada, eve = scene.tell, scene.ada, scene.eve
    tell.chapter("What is refused")
    replayed = await ada.join(*proof)
    tell.expect(replayed.code == "proof_spent", "The same proof a second time", shown=_refusal(replayed))
    stolen = await ada.join(text := await ada.challenge(), eve.wallet.sign(text))
    tell.expect(stolen.code == "signature_invalid", "Another wallet's signature", shown=_refusal(stolen))
    ticketless = await eve.join(text := await eve.challenge(), eve.wallet.sign(text))
    tell.expect(ticketless.code == "no_ticket", "A wallet without a ticket", shown=_refusal(ticketless))
    stale = await ada.join_at(int((utc_now() - STALE).timestamp() * 1000))
    tell.expect(stale.code == "proof_expired", "A text ten minutes old", shown=_refusal(stale))


async def lose_a_payment(scene: Scene) -> None:
    """Eve's payment is seen, and then a reorg puts another transaction in its place."""
    tell, node, eve = scene.tell, scene.node, scene.eve
    tell.chapter("A double spend is reorganised away")
    order = await _order(scene, eve)
    to, wei = _read_link(order["payment_uri"])
    nonce = int(await node.call("eth_getTransactionCount", eve.wallet.address, "latest"), 16)
    back = await eve.wallet.raw_transaction(node, to=eve.wallet.address, value=0, nonce=nonce)
    txid = await eve.wallet.send(node, to=to, value=wei, nonce=nonce)
    await node.mine()
    seen = await _wait(lambda: _payment(scene, txid), lambda payment: payment["state"] == "pending")
    tell.expect(seen, "Eve's payment was seen with 1 confirmation; no ticket yet", shown={"transaction": txid})
    await node.call("anvil_reorg", 1, [[back, 0]])
    gone = await _mine_until(scene, lambda: _payment(scene, txid), lambda payment: payment["state"] == "gone")
    tell.expect(gone, "A reorg replaced it, and the watcher proved it gone")
    await node.mine(3)
    state = await eve.order(order["order_id"])
    tell.expect(not state["tickets"], "No ticket came of it", shown={"order": state["state"]})


def _read_link(link: str) -> tuple[str, int]:
    """Read an ERC-681 link as a wallet does: whom to pay, and how many wei."""
    request = uri.parse(link)
    if isinstance(request, uri.Malformed):
        raise NotToldError(f"the link cannot be read: {request.reason}")
    return request.target, request.parameters["value"]


async def _order(scene: Scene, visitor: Visitor) -> dict[str, Any]:
    answer = await visitor.buy("eth")
    shown = {
        name: answer.body.get(name)
        for name in ("order_id", "amount", "currency", "payment_address", "memo", "code", "expires_at")
    }
    scene.tell.expect(
        answer.status in {OK, CREATED}, f"{visitor.wallet.name} opened an order", shown=shown or answer.body
    )
    return answer.body


async def _follow(scene: Scene, visitor: Visitor, order_id: str) -> dict[str, Any]:
    """Mine a block for each state the order's stream tells, until it has tickets."""
    told = -1
    async with asyncio.timeout(PATIENCE_SECONDS):
        await scene.node.mine()
        async for state in visitor.order_states(order_id):
            for payment in state["payments"]:
                if payment["confirmations"] > told:
                    told = payment["confirmations"]
                    needed = payment["confirmations_required"]
                    scene.tell.step(f"The watcher sees the payment: {told} of {needed} confirmations")
            if state["tickets"]:
                return state
            if state["payments"]:
                await scene.node.mine()
    raise TimeoutError("the order's stream ended without a ticket")


async def _payment(scene: Scene, txid: str) -> dict[str, Any] | None:
    payments = await scene.cli("payments", "list", "--limit", "50")
    return next((payment for payment in payments if payment["txid"] == txid), None)


async def _mine_until(scene: Scene, ask: Ask, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    async def mine_and_ask() -> dict[str, Any] | None:
        await scene.node.mine()
        return await ask()

    return await _wait(mine_and_ask, seen)


async def _wait(ask: Ask, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """Ask until the answer is the awaited one; None if that takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await ask()
                if answer is not None and seen(answer):
                    return answer
                await asyncio.sleep(0.3)
    except TimeoutError:
        return None


def _refusal(answer: Answer) -> Mapping[str, Any]:
    return {"status": answer.status, "code": answer.code, "title": answer.body.get("title")} if answer.code else {}


PRICE_WEI = 5 * 10**16
