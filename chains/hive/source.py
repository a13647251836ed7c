"""A Hive chain as a ChainSource: its reader, the last irreversible block, and the shared way of following blocks."""

from collections.abc import Mapping

from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL, FollowingSource
from chains.hive.memo import MemoKey
from chains.hive.ours import Ours
from chains.hive.reader import HiveReader, identify
from chains.opening import endpoints_of
from chains.position import ReadBlock
from chains.reader import Scope
from chains.rpc import Endpoint, Observer, ignore
from chains.wire import HttpWire, JsonRpcTransport
from config.deployment import agreement_thresholds
from config.registry import Chain
from config.settings import ChainSettings


class HiveSource(FollowingSource[ReadBlock]):
    """One Hive chain through its endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        memo_key: MemoKey | None = None,
        agree_above: Mapping[str, int] | None = None,
        blocks_per_poll: int = BLOCKS_PER_POLL,
    ) -> None:
        def reading(endpoint: Endpoint, scope: Scope) -> HiveReader:
            ours = Ours.of(scope.watch, chain, scope.under_way, memo_key=memo_key)
            return HiveReader(endpoint=endpoint, ours=ours, recompute=chain.checked_headers)

        super().__init__(chain, endpoints, reading, agree_above=agree_above, blocks_per_poll=blocks_per_poll)


def open_hive(chain: Chain, settings: ChainSettings, *, observer: Observer = ignore) -> HiveSource:
    """Return the source of a chain as the operator configured it. Nothing is connected yet.

    Raises ValueError where the memo key is none.
    """
    endpoints = endpoints_of(chain, settings, transport=_transport_to, identify=identify, observer=observer)
    return HiveSource(chain, endpoints, memo_key=_memo_key(settings), agree_above=agreement_thresholds(chain, settings))


def _transport_to(url: str) -> JsonRpcTransport:
    return JsonRpcTransport(HttpWire(url))


def _memo_key(settings: ChainSettings) -> MemoKey | None:
    if settings.memo_key is None:
        return None
    key = MemoKey.of(settings.memo_key.get_secret_value())
    if key is None:
        raise ValueError("memo_key is no private key in wallet import format")
    return key
