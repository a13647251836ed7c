"""What every reader of a node does with answers: a refusal or a lie is the endpoint's failure; a few at a time."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from chains.distrust import Distrusted
from chains.rpc import EndpointError, Refusal, Trouble

T = TypeVar("T")

IN_FLIGHT = 4


def believed(value: T | Distrusted) -> T:
    """Return what passed its check; what did not is the endpoint's failure."""
    if isinstance(value, Distrusted):
        raise EndpointError(Trouble.INCONSISTENT, value.reason)
    return value


def served(answer: Any | Refusal) -> Any:
    """Return an answer; a refusal is the endpoint's failure."""
    if isinstance(answer, Refusal):
        raise answer.error
    return answer


def listed(answer: Any) -> list[Any]:
    """Return an answer that has to be a list."""
    if not isinstance(answer, list):
        raise EndpointError(Trouble.MALFORMED, "an answer is no list")
    return answer


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run a few at a time and return the results in order; the first failure ends the rest and is raised as it is."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def guarded(one: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await one

    coroutines = list(work)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(guarded(one)) for one in coroutines]
    except* EndpointError as failures:
        raise _first(failures) from None
    finally:
        for one in coroutines:
            one.close()  # those that were never begun
    return [task.result() for task in tasks]


def _first(failures: BaseExceptionGroup[EndpointError]) -> EndpointError:
    leaf: BaseException = failures
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    if not isinstance(leaf, EndpointError):
        raise leaf
    return leaf
