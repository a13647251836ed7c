"""The listener's bounds, seen from a client's end of the wire."""

import asyncio
import gzip

import aiohttp
from aiohttp import web

from tests.support.programs import free_port
from usher.listening import listening

BOMB = gzip.compress(bytes(10_000_000))


def weighing():
    """An application that says how many bytes of a body reached it."""

    async def weigh(request):
        return web.json_response({"bytes": len(await request.content.read())})

    app = web.Application(client_max_size=2**30)
    app.router.add_post("/", weigh)
    return app


async def sent(app, port):
    async with listening(app, "127.0.0.1", port), aiohttp.ClientSession() as http:
        headers = {"Content-Encoding": "gzip"}
        async with http.post(f"http://127.0.0.1:{port}/", data=BOMB, headers=headers) as response:
            return (await response.json())["bytes"]


async def test_a_compressed_body_is_never_inflated():
    assert await sent(weighing(), free_port()) == len(BOMB)


async def test_with_aiohttps_own_listener_a_body_grows_a_thousandfold():
    port, runner = free_port(), web.AppRunner(weighing(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as http:
        headers = {"Content-Encoding": "gzip"}
        async with http.post(f"http://127.0.0.1:{port}/", data=BOMB, headers=headers) as response:
            assert (await response.json())["bytes"] == 10_000_000
    await runner.cleanup()


async def test_a_request_under_way_is_answered_before_the_listener_ends():
    began, finish = asyncio.Event(), asyncio.Event()

    async def slow(_request):
        began.set()
        await finish.wait()
        return web.Response(text="done")

    app, port = web.Application(), free_port()
    app.router.add_get("/", slow)
    async with aiohttp.ClientSession() as http:
        async with listening(app, "127.0.0.1", port):
            asking = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/"))
            await began.wait()
            asyncio.get_running_loop().call_soon(finish.set)
        assert (await (await asking).text()) == "done"
