"""Whether an endpoint answers at all: a circuit breaker.

When a call has failed for as long as it may and no other call got an answer meanwhile, the endpoint
is down: further calls fail at once instead of burning retries, but for one probe now and then.
"""

from __future__ import annotations

from collections.abc import Callable

from metasearch.gateway.base import EndpointDown

__all__ = ["Health"]

FIRST_PAUSE = 5.0  # seconds between the first two probes; doubles up to the longest
LONGEST_PAUSE = 60.0


class Health:
    """State of one endpoint's model.

    Attributes:
        answers: how many calls were answered, ever.
        trouble: one line while it is down, else "".
        retry_at: when the next probe is due, by the clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self.answers = 0
        self.trouble = ""
        self.retry_at = 0.0

    def enter(self) -> bool:
        """Let a call through; True says that it is the probe, which has one try only.

        Raises:
            EndpointDown: the endpoint is down and no probe is due.
        """
        if not self.trouble:
            return False
        if self._clock() < self.retry_at:
            raise EndpointDown(self.trouble)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.retry_at = self._clock() + self._pause  # others keep out while this one tries
        return True

    def answered(self) -> None:
        """Note an answer: the endpoint is up."""
        self.answers += 1
        self.trouble = ""
        self._pause = FIRST_PAUSE

    def gave_up(self, trouble: str, retry_after: float | None = None) -> None:
        """Note that the endpoint is down.

        Args:
            trouble: one line for the user.
            retry_after: seconds that it asked for, if it did.
        """
        self.trouble = trouble
        self.retry_at = self._clock() + max(self._pause, retry_after or 0.0)
