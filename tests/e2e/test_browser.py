"""Pages in real Chromium, written as our guide says, on a site of their own: what they can do, and who cannot."""

import asyncio

import pytest

from tests.nodes.test_coturn import SECRET
from tests.nodes.test_coturn import server as coturn
from tests.support import e2e_browser as browsers
from tests.support.e2e_house import deployed
from tests.support.programs import free_port

PAGE_PORT = free_port()
LISTED = f"http://localhost:{PAGE_PORT}"
UNLISTED = f"http://127.0.0.1:{PAGE_PORT}"
EVENT, RELOADED, RELAYED = "first-light", "second-light", "masked-ball"
WITHIN_SECONDS = 2


@pytest.fixture(scope="module")
def house():
    """Usher runs beside a real node; blocks appear when a test mines them."""
    with coturn(loopback_peers=True) as port:
        turn = {
            "USHER_TURN__URIS": f"turn:127.0.0.1:{port}?transport=udp",
            "USHER_TURN__SECRET": SECRET,
            "USHER_TURN__REALM": "house.test",
        }
        events = {EVENT: (), RELOADED: (), RELAYED: ("--relay-only",)}
        with deployed(LISTED, events=events, environment=turn) as running:
            yield running


@pytest.fixture
async def browser():
    async with browsers.site(PAGE_PORT), browsers.chromium() as started:
        yield started


@pytest.fixture
def open_page(browser, house):
    async def open_page(event=EVENT, origin=LISTED, base=house.url):
        who = await browsers.visitor(browser, browsers.Wallet.funded(house.anvil))
        await who.open(browsers.address_of(origin, base=base, event=event))
        return who

    return open_page


@pytest.fixture
def type_usher(house):
    """Type a command while the pages go on."""

    async def type_usher(*words):
        return await asyncio.to_thread(house.usher, *words)

    return type_usher


async def paid(who, house):
    """Buy as the guide says, and follow the payment until there is a ticket."""
    order = await who.run("buy()")
    house.anvil.mine()
    return order, await minted(who, house)


async def minted(who, house):
    """Mine a block for each state that the order's stream tells; returns these states."""
    states = [await who.hear("order")]
    while not states[-1]["tickets"]:
        if states[-1]["payments"]:
            house.anvil.mine()
        states.append(await who.hear("order"))
    return states


DRAW = """(url) => new Promise((resolve, reject) => {
  const image = new Image();
  image.onload = () => resolve(image.naturalWidth);
  image.onerror = reject;
  image.src = url;
})"""
RENEW = """async ([base, token]) => {
  const answer = await fetch(`${base}/api/turn-credentials`, { headers: { Authorization: `Bearer ${token}` } });
  return (await answer.json()).iceServers;
}"""


async def test_a_page_sells_a_ticket_and_hears_of_every_confirmation(house, open_page):
    ada = await open_page()
    order, states = await paid(ada, house)
    assert states[-1]["state"] == "paid"
    confirmations = [payment["confirmations"] for state in states for payment in state["payments"]]
    assert confirmations == sorted(confirmations)
    assert confirmations[0] == 1
    assert states[-1]["payments"][0]["confirmations"] >= order["confirmations_required"]
    [ticket] = states[-1]["tickets"]
    keys = await ada.run("base => fetch(`${base}/.well-known/jwks.json`).then((answer) => answer.json())", house.url)
    assert {key["kty"] for key in keys["keys"]} == {"OKP"}
    assert ticket["token"].count(".") == 2
    assert await ada.run(DRAW, order["qr_url"]) > 100


async def test_a_stream_goes_on_by_itself_after_its_gate_was_down(house, open_page):
    port = free_port()
    with house.another_gate(port) as url:
        ada = await open_page(base=url)
        await ada.run("buy()")
        assert (await ada.hear("order"))["payments"] == []
    house.anvil.mine()
    with house.another_gate(port):
        assert (await minted(ada, house))[-1]["state"] == "paid"


async def test_two_pages_talk_over_a_data_channel_until_a_ticket_is_revoked(house, open_page, type_usher):
    ada, ben = await open_page(), await open_page()
    await paid(ada, house)
    await type_usher("tickets", "grant", EVENT, ben.wallet.address)
    await ada.run("enter()")
    assert (await ada.hear("welcome"))["peers"] == []
    grant = await ben.run("enter()")
    [met] = (await ben.hear("welcome"))["peers"]
    ada_is, ben_is = met["peer"], (await ada.hear("joined"))["peer"]

    assert (await ada.hear("channel_open"), await ben.hear("channel_open")) == (ben_is, ada_is)
    await ada.run("say('It is dark in here.')")
    assert await ben.hear("text") == "It is dark in here."
    await ben.run("say('Follow my voice.')")
    assert await ada.hear("text") == "Follow my voice."
    assert {await ada.run("route()"), await ben.run("route()")} <= {"host", "prflx"}

    await type_usher("tickets", "revoke", grant["ticket"]["id"], "--reason", "a test")
    assert await ben.hear("kicked", WITHIN_SECONDS) == {"reason": "revoked"}
    assert await ben.hear("socket_closed", WITHIN_SECONDS) == 4403
    assert (await ada.hear("left", WITHIN_SECONDS))["peer"] == ben_is
    assert await ada.hear("channel_closed", WITHIN_SECONDS) == ben_is
    assert await ada.run("drawn()") == []
    refusal = "enter().then(() => 'opened', (refused) => refused.code)"
    assert await ben.run(refusal) == "ticket_revoked"


async def test_pages_of_a_relay_only_event_meet_through_coturn_and_never_directly(house, open_page, type_usher):
    ada, ben = await open_page(RELAYED), await open_page(RELAYED)
    for who in (ada, ben):
        await type_usher("tickets", "grant", RELAYED, who.wallet.address)
        grant = await who.run("enter()")
        await who.hear("welcome")
    await ada.hear("channel_open")
    await ben.hear("channel_open")
    await ben.run("say('Who are you?')")
    assert await ada.hear("text") == "Who are you?"
    assert (await ada.run("route()"), await ben.run("route()")) == ("relay", "relay")
    [server] = await ben.run(RENEW, [house.url, grant["session_token"]])
    assert server["urls"] == grant["iceServers"][0]["urls"]


async def test_after_a_reload_the_page_goes_on_without_a_signature(open_page, type_usher):
    ada = await open_page(RELOADED)
    await type_usher("tickets", "grant", RELOADED, ada.wallet.address)
    grant = await ada.run("enter()")
    await ada.hear("welcome")
    await ada.page.reload()
    await ada.hear("ready")
    again = await ada.run("resume => reopen(resume)", grant["resume"])
    await ada.hear("welcome")
    assert len(ada.wallet.signed) == 1
    spent = "resume => post('/api/events/second-light/resume', { resume }).catch((refused) => refused.code)"
    assert await ada.run(spent, grant["resume"]) == "resume_invalid"
    assert again["resume"] != grant["resume"]


async def test_the_wallet_shows_the_page_that_asks(open_page, type_usher):
    ada = await open_page(RELOADED)
    await type_usher("tickets", "grant", RELOADED, ada.wallet.address)
    await ada.run("enter()")
    [text] = ada.wallet.signed
    assert text.splitlines()[0] == f"localhost:{PAGE_PORT} wants you to sign in with your Ethereum account:"


LOOK = """async ([base, id, order]) => ({
  events: await fetch(`${base}/api/events`).then(() => "read", (error) => error.name),
  purchase: await post("/api/events/purchase", { event_id: id, payment_method: "eth", wallet_address: "0x0" })
    .then(() => "read", (error) => error.code ?? error.name),
  challenge: await post(`/api/events/${id}/challenge`, { wallet_address: "0x0" })
    .then(() => "read", (error) => error.code ?? error.name),
  socket: await new Promise((resolve) => {
    const socket = new WebSocket(`${base.replace("http", "ws")}/event/${id}`);
    socket.onopen = () => { resolve("open"); socket.close(); };
    socket.onerror = () => resolve("refused");
  }),
  stream: await new Promise((resolve) => {
    const stream = new EventSource(`${order}/stream`);
    stream.addEventListener("order", () => { resolve("read"); stream.close(); });
    stream.onerror = () => resolve("refused");
  }),
  keys: await fetch(`${base}/.well-known/jwks.json`).then(() => "read", (error) => error.name),
})"""


async def test_a_page_that_is_not_listed_reads_nothing_and_opens_no_socket(house, open_page):
    stranger = await open_page(origin=UNLISTED)
    assert await stranger.run(LOOK, [house.url, EVENT, house.order(EVENT)["status_url"]]) == {
        "events": "TypeError", "purchase": "TypeError", "challenge": "TypeError",  # what browsers tell a page of CORS
        "socket": "refused", "stream": "refused", "keys": "read",
    }  # fmt: skip


async def test_the_same_page_may_do_all_of_it_where_it_is_listed(house, open_page):
    guest = await open_page(origin=LISTED)
    assert await guest.run(LOOK, [house.url, EVENT, house.order(EVENT)["status_url"]]) == {
        "events": "read", "purchase": "invalid_account", "challenge": "invalid_account",
        "socket": "open", "stream": "read", "keys": "read",
    }  # fmt: skip
