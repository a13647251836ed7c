"""The view-only wallet behind monero-wallet-rpc: opened, made anew where its file is lost, told every watched address.

It scans only when it is asked to, after it was told all addresses: what it has scanned, it has scanned for all of them.
The view key is sent to make the wallet and for nothing else; no spend key is ever asked for.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import SecretStr

from chains.distrust import Distrusted
from chains.errors import PersistentError, TransientError
from chains.monero.burnt import Owners, owners_of
from chains.monero.derive import Subaddresses
from chains.monero.parse import Told, check_transfers
from chains.monero.rings import outputs_of
from chains.rpc import Call, Endpoint, EndpointError, Refusal

T = TypeVar("T")

_NOT_OPEN, _NOT_ITS_ADDRESS = -13, -2
_FEWEST = 1


class Secrets(Protocol):
    """How the wallet is opened and made: the settings' own section."""

    name: str
    password: SecretStr
    view_key: SecretStr


@dataclass(slots=True, eq=False)
class Wallet:
    """One wallet file in the folder of a monero-wallet-rpc."""

    endpoint: Endpoint
    secrets: Secrets
    addresses: Subaddresses
    margin: int  # addresses that it knows beyond the last one that is watched

    async def ready(self, *, last: int, restore_height: int) -> None:
        """Make it know every subaddress up to index `last`. `restore_height`: nothing below it is missed if it is lost.

        Raises PersistentError where it is another's wallet or its password is wrong, TransientError for all else.
        """
        await self._opened(restore_height)
        if await self._knows(last + self.margin):
            return
        if not await self._knows(_FEWEST):  # the first few are known to every wallet
            raise PersistentError(f"{self._name} was made with another view key than the one that is configured")
        knew_all = await self._knows(last)
        for count in (_FEWEST, last + self.margin + 1):  # it only ever looks farther ahead than it was last told to
            await self._done("set_subaddress_lookahead", major_idx=1, minor_idx=count, password=self._password)
        if not knew_all:  # then it may have scanned blocks that pay what it did not know
            await self._done("rescan_blockchain")
        await self.store()

    async def scan(self) -> int:
        """Scan what is new, and return the height of the newest block that was scanned."""
        await self._done("refresh")
        match await self._done("get_height"):
            case {"height": int() as count}:
                return count - 1
        raise TransientError(f"{self._name} does not say how far it has scanned")

    async def transfers(self, above: int, up_to: int) -> Told:
        """Return what it tells of the blocks above a height and up to another, and of the pool."""
        kinds = {"in": True, "out": True, "pool": True, "pending": False, "failed": False}
        heights = {"filter_by_height": True, "min_height": above, "max_height": up_to}
        return self._read(check_transfers(await self._done("get_transfers", account_index=0, **kinds, **heights)))

    async def outputs(self) -> frozenset[int]:
        """Return the places on the chain of every output that ever was ours."""
        return self._read(outputs_of(await self._outputs()))

    async def owners(self) -> Owners:
        """Return by the one-time key of every output that ever was ours which payment it is counted for."""
        return self._read(owners_of(await self._outputs()))

    async def store(self) -> None:
        """Write it to its file: monero-wallet-rpc does so only when it is stopped in good order."""
        await self._done("store")

    async def aclose(self) -> None:
        """Close the connections. The wallet stays open."""
        await self.endpoint.transport.aclose()

    async def _opened(self, restore_height: int) -> None:
        """Open it unless it is open, or make it anew from the view key where there is no such file any more."""
        primary = await self._ask("get_address", account_index=0, address_index=[0])
        if isinstance(primary, Refusal) and primary.code == _NOT_OPEN:
            await self._done("auto_refresh", enable=False)  # it is on in every new process
            opened = await self._ask("open_wallet", filename=self.secrets.name, password=self._password)
            if isinstance(opened, Refusal):
                await self._made(opened, restore_height)
            primary = await self._ask("get_address", account_index=0, address_index=[0])
        match primary:
            case {"address": str() as address} if address == self.addresses.primary:
                return
            case {"address": str()}:
                raise PersistentError(f"{self._name} has another primary address than the one that is configured")
            case Refusal():
                raise TransientError(f"{self._name}: {primary.error}")
        raise TransientError(f"{self._name} does not tell its address")

    async def _made(self, refused: Refusal, restore_height: int) -> None:
        if "nvalid password" in refused.message:
            raise PersistentError(f"{self._name} has another password than the one that is configured")
        if "file not found" not in refused.message:
            raise TransientError(f"{self._name} cannot be opened: {refused.code} {refused.message}")
        made = await self._ask(
            "generate_from_keys",
            filename=self.secrets.name,
            password=self._password,
            address=self.addresses.primary,
            viewkey=self.secrets.view_key.get_secret_value(),
            restore_height=restore_height,
            autosave_current=False,
        )
        if isinstance(made, Refusal):  # what it says might repeat what it was told
            raise TransientError(f"{self._name} cannot be made: error {made.code}")

    async def _outputs(self) -> Any:
        return await self._done("incoming_transfers", transfer_type="all", account_index=0)

    async def _knows(self, minor: int) -> bool:
        """Whether it would see a payment to this address, and takes it for the one we take it for."""
        match await self._ask("get_address_index", address=self.addresses.at(minor)):
            case {"index": {"major": 0, "minor": int() as known}} if known == minor:
                return True
            case Refusal(code=code) if code == _NOT_ITS_ADDRESS:
                return False
        raise TransientError(f"{self._name} does not tell which addresses it knows")

    async def _done(self, method: str, **params: Any) -> Any:
        answer = await self._ask(method, **params)
        if isinstance(answer, Refusal):
            raise TransientError(f"{self._name}: {method} refused: {answer.code} {answer.message}")
        return answer

    async def _ask(self, method: str, **params: Any) -> Any | Refusal:
        try:
            [answer] = await self.endpoint.batch([Call(method=method, params=params)])
        except EndpointError as error:
            where = f"monero-wallet-rpc at {self.endpoint.transport.host}"
            raise TransientError(f"{where} does not answer {method} ({error}); it may be scanning") from None
        return answer

    def _read(self, value: T | Distrusted) -> T:
        if isinstance(value, Distrusted):
            raise TransientError(f"{self._name}: {value.reason}")
        return value

    @property
    def _name(self) -> str:
        return f"the wallet {self.secrets.name!r} at {self.endpoint.transport.host}"

    @property
    def _password(self) -> str:
        return self.secrets.password.get_secret_value()
