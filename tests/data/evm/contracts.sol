// SPDX-License-Identifier: MIT
// Contracts that tests deploy: an accepted token, and others that pay in ways a parser must not be fooled by.
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract Coin is ERC20 {
    constructor() ERC20("Coin", "COIN") {
        _mint(msg.sender, 1e30);
    }
}

/// Pays several times in one transaction.
contract Payer {
    function pay(ERC20 coin, address to, uint256 amount, uint256 times) external {
        for (uint256 i = 0; i < times; ++i) {
            coin.transfer(to, amount);
        }
    }
}

/// Pays what it is told in one block, and 1 in any other.
contract Fickle {
    function pay(ERC20 coin, address to, uint256 amount, uint256 at) external {
        coin.transfer(to, block.number == at ? amount : 1);
    }
}

/// Takes coins and refuses everything.
contract Refuser {
    receive() external payable {
        revert("no");
    }
}

/// A token on the list that emits whatever it is told: Transfers of every wrong shape.
contract Forger {
    function emitLog(bytes32[] calldata topics, bytes calldata data) external {
        bytes memory copy = data;
        uint256 n = topics.length;
        assembly {
            let size := mload(copy)
            let at := add(copy, 32)
            let t := topics.offset
            switch n
            case 1 { log1(at, size, calldataload(t)) }
            case 2 { log2(at, size, calldataload(t), calldataload(add(t, 32))) }
            case 3 { log3(at, size, calldataload(t), calldataload(add(t, 32)), calldataload(add(t, 64))) }
            case 4 {
                log4(at, size, calldataload(t), calldataload(add(t, 32)), calldataload(add(t, 64)), calldataload(add(t, 96)))
            }
        }
    }
}

/// Hands native coins on in equal parts, as an exchange's withdrawal contract does.
contract Spreader {
    function spread(address payable[] calldata to) external payable {
        for (uint256 i = 0; i < to.length; ++i) {
            (bool done,) = to[i].call{value: msg.value / to.length}("");
            require(done);
        }
    }
}

/// Leaves what it was made with to somebody, without calling them.
contract Bequest {
    constructor(address payable heir) payable {
        selfdestruct(heir);
    }
}

/// Takes native coins, and pays them out to whomever it is told.
contract Purse {
    receive() external payable {}

    function pay(address payable to, uint256 amount) external {
        (bool done,) = to.call{value: amount}("");
        require(done);
    }
}
