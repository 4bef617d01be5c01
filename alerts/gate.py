"""Whether a provider may be asked now: its circuit breaker and its rate limit. Pure: times are monotonic seconds, passed in."""

from typing import Final

FAILURES: Final = 5
"""So many failures one after the other, and a provider counts as down: one lost answer is noise, five are not, and a page waits for none of them long."""
PROBE_S: Final = 5.0
"""Before one page may try a provider that is down; doubled with each probe in vain."""
LONGEST_PROBE_S: Final = 60.0
"""A provider that comes back is found within a minute, well before a page counts as unsendable."""


class Gate:
    """One provider's, in one pager. `per_minute`: pages it may be sent, 0 for no limit; a tenth of it, and at least one, may come at once."""

    def __init__(self, per_minute: float = 0.0, failures: int = FAILURES) -> None:
        self._per_s, self._failures = per_minute / 60.0, failures
        self._burst = max(1.0, per_minute / 10.0)
        self._tokens, self._filled_at = self._burst, 0.0
        self._in_a_row, self._failing_since, self._probe_at, self._probes = 0, 0.0, 0.0, 0
        self._probing = False

    @property
    def down(self) -> bool:
        """Whether the breaker is open."""
        return self._in_a_row >= self._failures

    def shut(self, at: float) -> bool:
        """Whether nothing may be sent. Once a probe is due nobody knows how the provider is, and the next page will tell."""
        return self.down and (self._probing or at < self._probe_at)

    def failing_for(self, at: float) -> float:
        """Seconds since the first of the failures that opened the breaker; 0 while it is closed."""
        return at - self._failing_since if self.down else 0.0

    def room(self, at: float, most: int) -> int:
        """How many pages may be sent now, at most `most`: one, as a probe, to a provider that is down."""
        if self.down:
            return 0 if self.shut(at) else min(most, 1)
        self._fill(at)
        return most if not self._per_s else min(most, int(self._tokens))

    def sent(self, count: int, at: float) -> None:
        """So many pages are on their way."""
        self._fill(at)
        self._tokens -= count
        self._probing = self._probing or (self.down and count > 0)

    def worked(self) -> None:
        """The provider answered, be it with a refusal of that one page: it is there."""
        self._in_a_row = self._probes = 0
        self._probing = False

    def failed(self, at: float) -> None:
        """It did not answer, or said that it cannot."""
        was_down = self.down
        if self._in_a_row == 0:
            self._failing_since = at
        self._in_a_row += 1
        if self.down and (self._probing or not was_down):
            self._probe_at = at + min(LONGEST_PROBE_S, PROBE_S * 2.0**self._probes)
            self._probes, self._probing = self._probes + 1, False

    def _fill(self, at: float) -> None:
        if self._filled_at:
            self._tokens = min(self._burst, self._tokens + (at - self._filled_at) * self._per_s)
        self._filled_at = at
