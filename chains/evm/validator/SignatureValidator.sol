// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Asks a wallet whether it accepts a signature (ERC-1271), after bringing it into being where that is how it was signed
/// (ERC-6492). Never deployed: this is the creation code of an eth_call, nothing it does lasts, and the "code" that it
/// leaves behind is one byte, a Finding. It never reverts, so that a call that fails is always the node's failure.
contract SignatureValidator {
    enum Finding {
        Refused, // the wallet reverted, or answered anything but the magic value
        Accepted,
        AcceptedUndeployed, // by the wallet as its factory would make it
        NoContract,
        NotDeployed, // the factory made no wallet at this address
        OutOfGas, // refused with hardly any gas left: more might have led to another answer
        AskedElsewhere, // ERC-3668: the wallet wants something fetched for it
        OtherChain
    }

    bytes4 private constant IS_VALID_SIGNATURE = 0x1626ba7e; // ERC-1271: selector and magic value alike
    bytes4 private constant OFFCHAIN_LOOKUP = 0x556f1830; // ERC-3668

    /// `factory` is zero where the signature was not wrapped.
    constructor(
        uint256 chain,
        address wallet,
        bytes32 digest,
        bytes memory signature,
        address factory,
        bytes memory deployment
    ) {
        uint256 gasAtStart = gasleft();
        Finding finding = examine(chain, wallet, digest, signature, factory, deployment);
        bool accepted = finding == Finding.Accepted || finding == Finding.AcceptedUndeployed;
        // Each call keeps 1/64 back (EIP-150), and wallets are several calls deep: an eighth left means exhaustion inside.
        if (!accepted && gasleft() < gasAtStart / 8) finding = Finding.OutOfGas;
        assembly {
            mstore8(0, finding)
            return(0, 1)
        }
    }

    function examine(
        uint256 chain,
        address wallet,
        bytes32 digest,
        bytes memory signature,
        address factory,
        bytes memory deployment
    ) private returns (Finding) {
        if (block.chainid != chain) return Finding.OtherChain;
        // A wallet that exists is asked as it stands: its keys may have changed since it was deployed, and a stranger's
        // call before the question could only serve to prepare the answer.
        if (wallet.code.length != 0) return ask(wallet, digest, signature, Finding.Accepted);
        if (factory == address(0)) return Finding.NoContract;
        assembly {
            // What the factory returns is left where it is; only whether a wallet stands there afterwards counts.
            pop(call(gas(), factory, 0, add(deployment, 32), mload(deployment), 0, 0))
        }
        if (wallet.code.length == 0) return Finding.NotDeployed;
        return ask(wallet, digest, signature, Finding.AcceptedUndeployed);
    }

    function ask(address wallet, bytes32 digest, bytes memory signature, Finding accepted)
        private
        view
        returns (Finding)
    {
        bytes memory question = abi.encodeWithSelector(IS_VALID_SIGNATURE, digest, signature);
        bool returned;
        uint256 size;
        bytes32 word;
        assembly {
            // No more than one word is copied: an answer's size is the wallet's to choose and ours to pay for.
            returned := staticcall(gas(), wallet, add(question, 32), mload(question), 0, 32)
            size := returndatasize()
            word := mload(0)
        }
        if (returned) return size >= 32 && word == bytes32(IS_VALID_SIGNATURE) ? accepted : Finding.Refused;
        return size >= 4 && bytes4(word) == OFFCHAIN_LOOKUP ? Finding.AskedElsewhere : Finding.Refused;
    }
}
