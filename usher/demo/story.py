"""The story itself, chapter by chapter: a payment becomes a ticket, a ticket opens a room, and what is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chains import qr
from config.clock import utc_now
from usher.demo.ground import Ground
from usher.demo.stage import Cli
from usher.demo.teller import Teller
from usher.demo.visitor import PATIENCE_SECONDS, Answer, Presence, Visitor

Ask = Callable[[], Awaitable[dict[str, Any] | None]]

EVENT = "first-light"
STALE = timedelta(minutes=10)
CREATED = 201
OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything the story is played with."""

    tell: Teller
    cli: Cli
    ground: Ground
    ada: Visitor  # pays exactly as the link says
    ben: Visitor  # pays from his wallet with the memo, without any page
    eve: Visitor  # tries what must be refused


async def play(scene: Scene) -> None:
    """Tell the whole story; raises NotToldError at the first step that did not happen."""
    await buy_by_link(scene)
    await (buy_by_memo if scene.ground.carries_memos else buy_another)(scene)
    proof, grant = await enter(scene)
    ada = await scene.ada.enter(grant)
    ben = await meet(scene, ada)
    await refuse(scene, proof)
    await lose_a_payment(scene)
    await ada.leave()
    await ben.leave()


async def publish(tell: Teller, cli: Cli, ground: Ground, *, creator: str) -> None:
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
        "--price", f"{ground.method}={ground.price}", *times,
    )  # fmt: skip
    made = f"`usher events create` made “First Light”: 10 places at {ground.price} {ground.ticker}"
    tell.expect(event, made, shown={"event": EVENT})


async def buy_by_link(scene: Scene) -> None:
    """Ada opens an order and pays exactly what its link says."""
    tell, ground = scene.tell, scene.ground
    tell.chapter("Ada buys a ticket with the payment link")
    order = await _order(scene, scene.ada)
    link = order["payment_uri"]
    tell.expect(link, f"The {ground.link} link, as text and as QR code", shown={"link": link})
    tell.picture(qr.terminal(link))
    if order["transaction"]:
        tell.step("The transaction for a browser's wallet, memo included", shown=order["transaction"])
    txid = await ground.pay(scene.ada.wallet, link)
    tell.step("Ada's wallet paid what the link said, nothing else", shown={"transaction": txid})
    done = await _follow(scene, scene.ada, order["order_id"])
    token = done["tickets"][0]["token"]
    tell.expect(token.count(".") == 2, "A signed ticket was minted", shown={"token": token})  # noqa: PLR2004  RFC 7515 compact form


async def buy_by_memo(scene: Scene) -> None:
    """Ben opens no order: a transfer with the memo is enough."""
    tell, ben = scene.tell, scene.ben
    tell.chapter("Ben pays from his wallet, with the memo and without any page")
    memo = f"event:{EVENT}:wallet:{ben.wallet.address}"
    txid = await scene.ground.pay_with_memo(ben.wallet, memo)
    paid = f"Ben's wallet sent {scene.ground.price} {scene.ground.ticker}"
    tell.step(paid, shown={"memo": memo, "transaction": txid})
    payment = await _advance_until(scene, lambda: _payment(scene, txid), lambda seen: seen["outcome"] == "minted")
    tell.expect(payment, "The watcher understood the memo and minted", shown={"payment": (payment or {}).get("id")})
    await _shown_in_list(scene, ben)


async def buy_another(scene: Scene) -> None:
    """Ben opens an order as well, where no text can travel along."""
    scene.tell.chapter("Ben buys a ticket, too: on this chain no memo can travel along")
    order = await _order(scene, scene.ben)
    await scene.ground.pay(scene.ben.wallet, order["payment_uri"])
    await _follow(scene, scene.ben, order["order_id"])
    await _shown_in_list(scene, scene.ben)


async def _shown_in_list(scene: Scene, visitor: Visitor) -> None:
    tickets = await scene.cli("tickets", "list", "--event", EVENT)
    address = visitor.wallet.address.lower()
    mine = [ticket for ticket in tickets if address in ticket["account"].lower()]
    name = visitor.wallet.name
    shown = {"ticket": mine[0]["id"] if mine else None}
    scene.tell.expect(len(mine) == 1, f"`usher tickets list` shows {name}'s ticket", shown=shown)


async def enter(scene: Scene) -> tuple[tuple[str, str], dict[str, Any]]:
    """Ada signs the challenge and is let in; returns her proof and her grant."""
    tell, ada = scene.tell, scene.ada
    tell.chapter("At the door")
    await scene.ground.advance()  # a chain that stands still is not asked who somebody is
    text = await ada.challenge()
    tell.step("The gate wrote a text to sign")
    tell.picture("\n".join(f"      │ {line}" for line in text.splitlines()))
    signature = await ada.wallet.sign(text)
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
    await scene.ground.advance()
    text = await ben.challenge()
    answer = await ben.join(text, await ben.wallet.sign(text))
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
    await scene.ground.advance()
    replayed = await ada.join(*proof)
    tell.expect(replayed.code == "proof_spent", "The same proof a second time", shown=_refusal(replayed))
    stolen = await ada.join(text := await ada.challenge(), await eve.wallet.sign(text))
    tell.expect(stolen.code == "signature_invalid", "Another wallet's signature", shown=_refusal(stolen))
    ticketless = await eve.join(text := await eve.challenge(), await eve.wallet.sign(text))
    tell.expect(ticketless.code == scene.ground.stranger, "A wallet without a ticket", shown=_refusal(ticketless))
    stale = await ada.join_at(int((utc_now() - STALE).timestamp() * 1000))
    tell.expect(stale.code == "proof_expired", "A text ten minutes old", shown=_refusal(stale))


async def lose_a_payment(scene: Scene) -> None:
    """Eve's payment is seen, and then the chain goes another way."""
    tell, ground, eve = scene.tell, scene.ground, scene.eve
    tell.chapter("A payment is taken back")
    order = await _order(scene, eve)
    txid = await ground.pay_in_vain(eve.wallet, order["payment_uri"])
    seen = await _wait(lambda: _payment(scene, txid), lambda payment: payment["state"] == "pending")
    tell.expect(seen, "Eve's payment was seen; no ticket yet", shown={"transaction": txid})
    await ground.lose()
    gone = await _advance_until(scene, lambda: _payment(scene, txid), lambda payment: payment["state"] == "gone")
    tell.expect(gone, "Something else took its place, and the watcher proved it gone")
    for _ in range(3):
        await ground.advance()
    state = await eve.order(order["order_id"])
    tell.expect(not state["tickets"], "No ticket came of it", shown={"order": state["state"]})


async def _order(scene: Scene, visitor: Visitor) -> dict[str, Any]:
    answer = await visitor.buy(scene.ground.method)
    shown = {
        name: answer.body.get(name)
        for name in ("order_id", "amount", "currency", "payment_address", "memo", "code", "expires_at")
    }
    scene.tell.expect(
        answer.status in {OK, CREATED}, f"{visitor.wallet.name} opened an order", shown=shown or answer.body
    )
    return answer.body


async def _follow(scene: Scene, visitor: Visitor, order_id: str) -> dict[str, Any]:
    """Make a block for each state the order's stream tells, until it has tickets."""
    told = -1
    async with asyncio.timeout(PATIENCE_SECONDS):
        await scene.ground.advance()
        async for state in visitor.order_states(order_id):
            for payment in state["payments"]:
                if payment["confirmations"] > told:
                    told = payment["confirmations"]
                    needed = payment["confirmations_required"]
                    scene.tell.step(f"The watcher sees the payment: {told} of {needed} confirmations")
            if state["tickets"]:
                return state
            if state["payments"]:
                await scene.ground.advance()
    raise TimeoutError("the order's stream ended without a ticket")


async def _payment(scene: Scene, txid: str) -> dict[str, Any] | None:
    payments = await scene.cli("payments", "list", "--limit", "50")
    return next((payment for payment in payments if payment["txid"] == txid), None)


async def _advance_until(scene: Scene, ask: Ask, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    async def advance_and_ask() -> dict[str, Any] | None:
        await scene.ground.advance()
        return await ask()

    return await _wait(advance_and_ask, seen)


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
