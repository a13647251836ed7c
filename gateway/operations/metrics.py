"""What is counted and how long it took. Other rooms are handed plain functions; only this module knows Prometheus."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class MetricsHub:
    """One process's metrics. Its methods are the hooks that other rooms are handed."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "usher_request_seconds",
            "Time from request to answer",
            ("route", "status"),
            buckets=DURATIONS,
            registry=self.registry,
        )
        self._answers = Counter("usher_gate_answers", "Grants and refusals", ("action", "code"), registry=self.registry)
        self._sockets = Gauge("usher_sockets", "Presence sockets open", registry=self.registry)
        self._streams = Gauge("usher_order_streams", "Order status streams open", registry=self.registry)
        self._rpc_errors = Counter(
            "usher_rpc_errors", "Calls to a chain's endpoint that failed", ("chain", "kind"), registry=self.registry
        )
        self._payments = Gauge(
            "usher_payments", "Payments on record", ("chain", "state", "outcome"), registry=self.registry
        )
        self._lag = Gauge(
            "usher_chain_poll_age_seconds", "Time since the last poll that worked", ("chain",), registry=self.registry
        )
        self._tip_age = Gauge(
            "usher_chain_tip_age_seconds", "Age of the newest block read", ("chain",), registry=self.registry
        )
        self._tip = Gauge("usher_chain_tip_height", "Newest block read", ("chain",), registry=self.registry)
        self._final = Gauge("usher_chain_final_height", "Newest final block", ("chain",), registry=self.registry)
        self._stopped = Gauge("usher_chain_stopped", "1 where sales are paused", ("chain",), registry=self.registry)
        self._problems = Counter("usher_problems", "Requests refused", ("code",), registry=self.registry)
        self._request_children: dict[tuple[str, int], Histogram] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        """Note an answer. `route` is the pattern, never the path, so that its values stay few."""
        child = self._request_children.get((route, status))
        if child is None:
            child = self._request_children[route, status] = self._requests.labels(route, str(status))
        child.observe(seconds)

    def problem(self, code: str) -> None:
        """Note a refusal of any door by its code."""
        self._problems.labels(code).inc()

    def answer(self, action: str, code: str) -> None:
        """Note a grant (`granted`) or a refusal of the gate by its code."""
        self._answers.labels(action, code).inc()

    def sockets(self, count: int) -> None:
        """Note how many presence sockets are open."""
        self._sockets.set(count)

    def streams(self, count: int) -> None:
        """Note how many order streams are open."""
        self._streams.set(count)

    def rpc_error(self, chain: str, kind: str) -> None:
        """Note a call to a chain's endpoint that failed, by its kind (`timeout`, `http`, `lag`, …)."""
        self._rpc_errors.labels(chain, kind).inc()

    def chain(
        self,
        chain: str,
        *,
        tip_height: int,
        tip_time: datetime,
        final_height: int,
        polled_at: datetime,
        stopped: bool,
        now: datetime,
    ) -> None:
        """Note how far a chain has been read."""
        self._lag.labels(chain).set((now - polled_at).total_seconds())
        self._tip_age.labels(chain).set((now - tip_time).total_seconds())
        self._tip.labels(chain).set(tip_height)
        self._final.labels(chain).set(final_height)
        self._stopped.labels(chain).set(int(stopped))

    def payments(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Note how many payments there are by chain, state and outcome; what is left out has none any more."""
        self._payments.clear()
        for labels, count in counts.items():
            self._payments.labels(*labels).set(count)

    def render(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)
