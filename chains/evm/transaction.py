"""The transaction a wallet is asked to send (`eth_sendTransaction`): the memo stands where Usher reads it. Pure."""

from typing import TypedDict

from chains.evm import address as evm
from chains.evm.uri import UINT256_MAX, Malformed, PaymentRequest
from config.registry import Network

_TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256), ERC-20


class Transaction(TypedDict):
    """Parameters of `eth_sendTransaction` but for `from`, which is the wallet's; all in hex (JSON-RPC's encoding)."""

    to: str
    value: str
    data: str
    chainId: str


def native_transaction(*, address: str, chain_id: int, wei: int, memo: str = "") -> Transaction:
    """Pay in the chain's own coin; the calldata is the memo. Raises ValueError for what no chain could carry out."""
    return Transaction(
        to=evm.display(_raw(address)), value=hex(_uint256(wei)), data=f"0x{memo.encode().hex()}", chainId=hex(chain_id)
    )


def token_transaction(*, contract: str, chain_id: int, recipient: str, units: int, memo: str = "") -> Transaction:
    """Pay in an ERC-20 token; the memo follows the arguments of `transfer`, where the token does not look.

    Raises ValueError for what no chain could carry out.
    """
    call = _TRANSFER + _raw(recipient).rjust(32, b"\0") + _uint256(units).to_bytes(32, "big")
    return Transaction(
        to=evm.display(_raw(contract)), value="0x0", data=f"0x{(call + memo.encode()).hex()}", chainId=hex(chain_id)
    )


def follow(request: PaymentRequest, *, chain_id: int) -> Transaction | Malformed:
    """Return what a wallet on `chain_id` sends when it does exactly as a link says."""
    if request.chain_id not in (None, chain_id):
        return Malformed(reason=f"the link is for chain {request.chain_id}")
    if request.beneficiary is None or request.amount is None:
        return Malformed(reason="the link names no payee or no amount")
    try:
        if request.function is None:
            return native_transaction(address=request.beneficiary, chain_id=chain_id, wei=request.amount)
        return token_transaction(
            contract=request.target, chain_id=chain_id, recipient=request.beneficiary, units=request.amount
        )
    except ValueError as error:
        return Malformed(reason=str(error))


def _raw(address: str) -> bytes:
    raw = evm.canonical(address, Network.MAIN)
    if raw is None:
        raise ValueError(f"{address!r} is not an EVM address")
    return raw


def _uint256(amount: int) -> int:
    if not 0 <= amount <= UINT256_MAX:
        raise ValueError(f"{amount} is not an amount of 256 bits")
    return amount
