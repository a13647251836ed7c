// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Wallets for tests: honest ones, careless ones, and the kinds that somebody would write to get past a door.

/// As ERC-4337 account factories make them: one owner, an address that its owner alone determines.
contract KeyWallet {
    address public immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

contract KeyWalletFactory {
    function create(address owner, bytes32 salt) external returns (address) {
        return address(new KeyWallet{salt: salt}(owner));
    }
}

/// Gives addresses by its own nonce: whoever comes first on a chain has the address there.
contract NonceFactory {
    function create(bytes calldata creation) external returns (address made) {
        bytes memory code = creation;
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
    }
}

contract AlwaysValid {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}

contract Loop {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        while (true) {}
        return 0x1626ba7e;
    }
}

/// Accepts, after spending six million gas.
contract Thirsty {
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        uint256 start = gasleft();
        while (start - gasleft() < 6_000_000) {}
        return 0x1626ba7e;
    }
}

/// Hides that what it asked ran out of gas: catches it and says no.
contract ThirstyInside {
    Thirsty private immutable inner = new Thirsty();

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        try inner.isValidSignature(digest, signature) returns (bytes4 value) {
            return value;
        } catch {
            return 0xffffffff;
        }
    }
}

contract AsksElsewhere {
    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callback, bytes extraData);

    function isValidSignature(bytes32, bytes calldata signature) external view returns (bytes4) {
        string[] memory urls = new string[](1);
        urls[0] = "http://127.0.0.1:1/{sender}/{data}";
        revert OffchainLookup(address(this), urls, signature, this.isValidSignature.selector, "");
    }
}

contract Reverts {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        revert("no");
    }
}

contract AnswersOtherwise {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes32) {
        return bytes32(uint256(1)); // `true`, as a careless implementer might think
    }
}

contract AnswersShort {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 4)
        }
    }
}

contract AnswersDirty {
    fallback() external {
        assembly {
            mstore(0, or(shl(224, 0x1626ba7e), 1))
            return(0, 32)
        }
    }
}

contract AnswersMegabyte {
    fallback() external {
        assembly {
            return(0, 1000000)
        }
    }
}

contract RevertsMegabyte {
    fallback() external {
        assembly {
            revert(0, 1000000)
        }
    }
}

/// Would accept, but writes while it is asked.
contract Writes {
    uint256 private asked;

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        asked++;
        return 0x1626ba7e;
    }
}

/// Nobody has initialised it: whoever calls first is its owner.
contract Unclaimed {
    address private owner;

    function claim() external {
        require(owner == address(0));
        owner = msg.sender;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return owner == address(0) ? bytes4(0xffffffff) : bytes4(0x1626ba7e);
    }
}
