"""The EVM network that the contributor's page takes as its example, by that very entry on a node with its number."""

from dataclasses import replace

from chains.evm import uri
from config.loader import load_registry
from config.registry import Finality
from gateway.api.links import Bill, payment_link
from tests.support.anvil import anvil_node
from tests.support.chains_drivers import EvmDriver, evm_source, follow
from tests.support.e2e_guides import fences
from tests.support.lying_node import lying_node
from tests.support.natures import FINALITY


async def test_an_entry_is_all_that_another_evm_network_takes(tmp_path):
    (tmp_path / "chains.toml").write_text(fences("docs/add-a-chain.md", "toml")[0].text)
    [entry] = load_registry(tmp_path / "chains.toml").chains.values()
    chain = replace(entry, finality=Finality(tag=None, blocks=FINALITY))
    with anvil_node(8453) as node:
        async with lying_node(node.url) as proxy:
            driver = EvmDriver(node, chain, proxy)
            source = evm_source(chain, node.url)
            checkpoint = await source.start()
            driver.pay(5, "event:7:wallet:alice")
            driver.mine(FINALITY)
            final, _ = await follow(source, checkpoint, driver.watch)
            await source.aclose()
    [payment] = final
    assert (payment.asset, payment.amount, payment.memos) == ("eip155:8453/slip44:60", 5, ("event:7:wallet:alice",))
    bill = Bill(chain=chain, asset=chain.native, amount=5, address=driver.ours, memo="o:1", own_address=True)
    assert uri.parse(payment_link(bill).uri).chain_id == 8453
