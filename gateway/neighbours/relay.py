"""The mirror's shell: Redis and the rooms on either side of it. What is told to whom, hub and mirror decide.

One task reads what neighbours publish, one writes, in the order in which things happened here. If either fails, both
start anew with a fresh look at all rosters; meanwhile the rooms of this gate go on by themselves.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline, PubSub
from redis.exceptions import RedisError

from config.clock import Clock
from config.settings import RedisSettings
from gateway.neighbours.jobs import (
    Beat,
    Command,
    Enter,
    Forget,
    Job,
    Leave,
    Rewrite,
    Settled,
    Sign,
    Survey,
    commands,
    gate_channel,
    posting,
    room_channel,
)
from gateway.neighbours.letters import can_be_written, read_letter, read_roster
from gateway.neighbours.line import connect
from gateway.neighbours.mirror import Load, Mirror, News, Overheard, Post
from gateway.presence.effects import Tell
from gateway.presence.messages import Message

log = structlog.get_logger(__name__)

ANSWER_WITHIN = timedelta(seconds=2)
TRY_AGAIN_SECONDS = 0.5
READY_SECONDS = 0.5
"""How long a visitor waits to be welcomed with everybody at once; whoever is found later joins."""
LAST_WORDS_SECONDS = 1
QUEUE = 2048
"""Letters that may wait to be published. Beyond it all are dropped, and neighbours read our rosters instead."""
BATCH = 128


class Relay:
    """One gate's place among its neighbours; `Elsewhere` for its rooms."""

    def __init__(self, settings: RedisSettings, *, clock: Clock, pass_on: Callable[[Overheard], None]) -> None:
        self._url = settings.url
        self._silence = timedelta(seconds=settings.silence_seconds)
        self._clock = clock
        self._pass_on = pass_on
        self.mirror = Mirror(gate=secrets.token_hex(8), silence=self._silence)
        self._jobs: asyncio.Queue[Job | Post] = asyncio.Queue()
        self._settled: dict[int, asyncio.Event] = {}  # of the events whose letters we hear or are about to
        self._idle: frozenset[int] = frozenset()
        self._connected = False
        self._told_away = False

    async def ready(self, event_id: int) -> None:
        """Return once this event's visitors elsewhere are known, or cannot be."""
        self._enter(event_id)
        if self._connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    await self._settled[event_id].wait()

    def others(self, event_id: int) -> Sequence[Message]:
        """Return who is in the event at other gates."""
        return self.mirror.others(event_id)

    def tell(self, told: Tell) -> None:
        """Let others hear what happened here, or read it later."""
        if not can_be_written(told.message):
            log.error("neighbours_letter_unwritable", type=told.message["type"])
            return
        self._enter(told.event_id)
        post = self.mirror.tell(told)
        if post is None or not self._connected:
            return
        if self._jobs.qsize() < QUEUE:
            self._jobs.put_nowait(post)
        else:
            log.warning("neighbours_too_slow", dropped=self._jobs.qsize())
            self._begin()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
        """Keep the line and the time, by these tasks; at the end tell neighbours who left."""
        tasks = [asyncio.create_task(self._keep_line()), asyncio.create_task(self._keep_time())]
        yield tasks
        if self._connected:
            for event_id in self.mirror.events:
                self._jobs.put_nowait(Leave(event_id=event_id, gate=self.mirror.gate))
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await self._jobs.join()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _enter(self, event_id: int) -> None:
        if event_id not in self._settled:
            self.mirror.open(event_id)
            self._settled[event_id] = asyncio.Event()
            self._order(Enter(event_id=event_id))

    def _order(self, *jobs: Job) -> None:
        if self._connected:
            for job in jobs:
                self._jobs.put_nowait(job)

    def _begin(self) -> None:
        """Start from nothing but the mirror: hear every event, write every roster, read all the others'."""
        self._release()
        while not self._jobs.empty():
            self._jobs.get_nowait()
            self._jobs.task_done()
        self.mirror.interrupted()
        self._settled = {event_id: asyncio.Event() for event_id in self.mirror.events}
        self._order(*(Enter(event_id=event_id) for event_id in self._settled))

    def _release(self) -> None:
        """Let nobody wait for what will not come."""
        for settled in self._settled.values():
            settled.set()

    async def _keep_line(self) -> None:
        while True:
            try:
                await self._session()
            except* (RedisError, OSError) as errors:  # TimeoutError is an OSError
                self._lost(errors)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _session(self) -> None:
        redis = connect(self._url, answer_within=ANSWER_WITHIN)
        async with redis, redis.pubsub() as channels:
            await redis.ping()  # a Redis that hangs still takes connections
            await channels.subscribe(gate_channel(self.mirror.gate))
            self._connected = True
            self._begin()
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read(channels))
                    tasks.create_task(self._write(redis, channels))
            finally:
                self._connected = False
                self._release()

    def _lost(self, errors: BaseExceptionGroup[Exception]) -> None:
        if not self._told_away:
            reasons = sorted({type(error).__qualname__ for error in errors.exceptions})
            log.warning("neighbours_away", reason=", ".join(reasons), instead="visitors here see each other only")
        self._told_away = True

    async def _read(self, channels: PubSub) -> None:
        while True:
            heard = await channels.get_message(timeout=self._silence.total_seconds())
            if heard is None:
                raise TimeoutError("nothing heard, not even from ourselves")
            match heard:
                case {"type": "message", "data": bytes(text)}:
                    if (letter := read_letter(text)) is not None:
                        self._follow(self.mirror.hear(letter, now=self._clock()))
                case {"type": "subscribe", "channel": bytes(channel)}:
                    self._subscribed(channel.decode())

    def _subscribed(self, channel: str) -> None:
        """Show ourselves in a room and look around in it: what happens from now on, we hear."""
        if channel == gate_channel(self.mirror.gate):
            if self._told_away:
                log.info("neighbours_back")
            self._told_away = False
        event_id = int(channel.rpartition(":")[2]) if channel.startswith("usher:room:") else None
        if event_id in self.mirror.events:
            self._order(self._rewrite(event_id), Survey(event_id=event_id))

    def _rewrite(self, event_id: int) -> Rewrite:
        return Rewrite(roster=self.mirror.renew(event_id), beat=self.mirror.beat(event_id))

    async def _write(self, redis: Redis, channels: PubSub) -> None:
        while True:
            batch = [await self._jobs.get()]
            while len(batch) < BATCH and not self._jobs.empty():
                batch.append(self._jobs.get_nowait())
            await self._do(batch, redis, channels)
            for _ in batch:
                self._jobs.task_done()

    async def _do(self, batch: Iterable[Job | Post], redis: Redis, channels: PubSub) -> None:
        """Carry out jobs in order, in one transaction, and take the answers."""
        asking: list[tuple[Job, int]] = []
        async with redis.pipeline(transaction=True) as pipeline:
            for kind, run in groupby(batch, type):
                if kind is Post:
                    _add(pipeline, posting([post for post in run if isinstance(post, Post)], silence=self._silence))
                    continue
                for job in (one for one in run if not isinstance(one, Post)):
                    await self._tune(job, channels)
                    asking.append((job, len(pipeline)))
                    _add(pipeline, commands(job, silence=self._silence))
            answers = await pipeline.execute() if len(pipeline) else []
        for job, first in asking:
            self._answered(job, answers[first] if first < len(answers) else None)

    async def _tune(self, job: Job, channels: PubSub) -> None:
        match job:
            case Enter(event_id=event_id):
                await channels.subscribe(room_channel(event_id))
            case Leave(event_id=event_id):
                await channels.unsubscribe(room_channel(event_id))

    def _answered(self, job: Job, answer: Any) -> None:
        match job:
            case Beat(beat=beat, peers=peers):
                if answer != peers + 1 and beat.event_id in self.mirror.events:  # evicted, or we stood still too long
                    self._order(self._rewrite(beat.event_id))
            case Survey(event_id=event_id):
                gates = [gate.decode() for gate in answer]
                self._follow(self.mirror.found(event_id, gates, now=self._clock()))
                self._order(Settled(event_id=event_id))
            case Load(event_id=event_id, gate=gate):
                roster = read_roster(answer)
                self._follow(self.mirror.loaded(event_id, gate, roster))
                if roster is None:
                    self._order(Forget(event_id=event_id, gate=gate))
            case Settled(event_id=event_id):
                if event_id in self._settled:
                    self._settled[event_id].set()

    def _follow(self, news: Iterable[News]) -> None:
        for one in news:
            match one:
                case Overheard():
                    self._pass_on(one)
                case Load():
                    self._order(one)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(self._silence.total_seconds() / 3)
            self.tick()

    def tick(self) -> None:
        """Do what time alone brings: say that we are there, miss who is not, and leave rooms that nobody is in."""
        self._follow(self.mirror.tick(now=self._clock()))
        empty = self.mirror.empty()
        for event_id in empty & self._idle:
            self.mirror.close(event_id)
            del self._settled[event_id]
            self._order(Leave(event_id=event_id, gate=self.mirror.gate))
        self._idle = empty
        for event_id in self.mirror.events:
            beat = self.mirror.beat(event_id)
            self._order(Beat(beat=beat, peers=self.mirror.count(event_id)))
        self._order(Sign(gate=self.mirror.gate))


def _add(pipeline: Pipeline, asked: Iterable[Command]) -> None:
    for command in asked:
        pipeline.execute_command(*command)
