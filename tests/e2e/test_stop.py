"""Ending a search whose endpoint is down: nobody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasearch.archive import Archive
from metasearch.search import hold
from metasearch.search.events import EndpointDown, EntryDone, Event
from metasearch.search.hold import Wish, ask
from metasearch.testing.endpoint import Fault, ScriptedEndpoint
from tests.e2e.test_budget_and_outage import Weather, run, settings
from tests.e2e.test_scripted_search import Watching

pytestmark = pytest.mark.wasm


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metasearch.gateway.line.FIRST_DELAY", 0.02)
    monkeypatch.setattr("metasearch.gateway.health.FIRST_PAUSE", 0.1)
    monkeypatch.setattr(hold, "LOOK_SECONDS", 0.05)


class Impatient(Watching):
    """The endpoint goes down after the first new design; then somebody wants the search to end."""

    def __init__(self, weather: Weather, archive: Archive, wish: Wish) -> None:
        super().__init__()
        self.weather, self.archive, self.wish = weather, archive, wish

    def show(self, event: Event) -> None:
        super().show(event)
        if isinstance(event, EntryDone) and event.number >= 2:
            self.weather.after = 0
        downs = sum(isinstance(one, EndpointDown) for one in self.events)
        if isinstance(event, EndpointDown) and downs == 1:
            ask(self.archive, "sums", self.wish)


@pytest.mark.parametrize(("wish", "status"), [(Wish.STOP, "stopped"), (Wish.PAUSE, "paused")])
async def test_who_wants_the_end_gets_it_while_the_endpoint_is_down(
    tmp_path: Path, wish: Wish, status: str
) -> None:
    weather = Weather(Fault(status=503), after=1000)
    with Archive.open(tmp_path / "a.db") as archive, ScriptedEndpoint(weather) as endpoint:
        base = settings(tmp_path, endpoint.base_url)
        chosen = base.model_copy(
            update={"search": base.search.model_copy(update={"designs": 3, "in_flight": 1})}
        )
        assert await run(archive, chosen, Impatient(weather, archive, wish)) == status
        info = archive.search("sums")
        assert (info.status, info.reason) == (status, f"{status} by the user")
        assert "test" not in archive.counts("sums").evaluations
        weather.over.set()
        assert await run(archive, chosen, Watching()) == "finished"
        assert archive.counts("sums").evaluations["test"] == 3 * 6
