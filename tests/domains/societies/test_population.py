import random
from collections import Counter

import pytest

from metasearch.domains.societies import Ask, Choice, Whole, rehearse
from metasearch.domains.societies.payoff.pub import Evenings, Pub
from metasearch.domains.societies.population import Populated
from metasearch.types import Split


class Vote:
    """Seats of two colours vote twice; the first result is told."""

    def __init__(self, seats):
        self.seats = seats
        self.counts = []

    def play(self, table):
        for turn in range(2):
            colour = [
                {"colour": "red" if seat % 2 else "blue", "turn": turn}
                for seat in range(self.seats)
            ]
            votes = yield [
                Ask(seat, "vote", colour[seat], Whole(0, 9), 0) for seat in range(self.seats)
            ]
            self.counts.append(Counter(zip((c["colour"] for c in colour), votes, strict=True)))
            table.tell("count", votes=len(votes))
        assert (yield []) == []


class Voter:
    def __init__(self, say):
        self.say, self.asked = say, []

    def observe(self, event):
        pass

    def act(self, request):
        self.asked.append(request)
        return self.say(request)


def test_equal_requests_are_asked_of_one_seat_so_often_and_answer_for_all():
    game = Vote(1_000)
    voters = [Voter(lambda request: 7 if request["colour"] == "red" else 3) for _ in range(1_000)]
    log = rehearse(Populated(game, answers=3), voters)
    assert [len(voter.asked) for voter in voters[:3]] == [6, 6, 0]
    assert sum(len(voter.asked) for voter in voters) == 12
    assert game.counts == [{("red", 7): 500, ("blue", 3): 500}] * 2
    notes = [event for event in log if event["kind"] == "archetypes"]
    assert notes == [{"kind": "archetypes", "asked": 6, "seats": 1_000}] * 2


def test_seats_draw_from_the_answers_of_their_archetype():
    game = Vote(4_000)
    chance = random.Random(0)
    voters = [Voter(lambda request: chance.randrange(10)) for _ in range(4_000)]
    log = rehearse(Populated(game, answers=4), voters)
    said = [event["value"] for event in log if event["kind"] == "act"][:8]
    blue, red = Counter(said[0::2]), Counter(said[1::2])
    for colour, answers in (("blue", blue), ("red", red)):
        for value, times in answers.items():
            assert game.counts[0][colour, value] == pytest.approx(2_000 * times / 4, abs=150)
        assert sum(game.counts[0][colour, value] for value in answers) == 2_000


def test_a_coarser_key_asks_fewer():
    game = Vote(100)
    voters = [Voter(lambda request: 1) for _ in range(100)]
    rehearse(Populated(game, answers=2, key=lambda ask: ask.kind), voters)
    assert sum(len(voter.asked) for voter in voters) == 4


def test_the_same_seed_draws_the_same():
    def counts(seed):
        game = Vote(300)
        chance = random.Random(5)
        voters = [Voter(lambda request: chance.randrange(10)) for _ in range(300)]
        rehearse(Populated(game), voters, seed=seed)
        return game.counts

    assert counts(1) == counts(1) != counts(2)


def test_a_game_whose_requests_all_differ_is_played_as_it_is():
    game = Pub()
    scenario = game.scenario(Split.TRAIN, "self", random.Random(3))
    plain = game.rehearse(scenario, game.bots["loyal"], seed=4)
    bots = [game.bots["loyal"](random.Random(seat)) for seat in range(4)]
    environment = Populated(Evenings(scenario.constants), answers=1)
    opening = game.opening(scenario)
    log = rehearse(environment, bots, seed=4, opening=opening)
    assert sum(event["kind"] == "act" for event in log) == sum(
        event["kind"] == "act" for event in plain
    )
    assert 0 <= game.score(log) <= 1


def test_an_answer_that_is_none_counts_as_neutral_for_all_of_its_kind():
    class Once:
        seats = 5

        def play(self, table):
            self.got = yield [Ask(seat, "x", {}, Choice(("a", "b")), "a") for seat in range(5)]

    once = Once()
    rehearse(Populated(once), [Voter(lambda request: "c")] * 5)
    assert once.got == ["a"] * 5


def test_a_key_that_drops_what_matters_is_found_out_on_a_subsample():
    def checks(**options):
        voters = [
            Voter(lambda request: 7 if request["colour"] == "red" else 3) for _ in range(4_000)
        ]
        log = rehearse(Populated(Vote(4_000), answers=3, checked=0.05, **options), voters)
        return [event for event in log if event["kind"] == "checked"]

    assert checks() == [{"kind": "checked", "variation": 0.0, "asked": 200, "accepted": True}] * 2
    coarse = checks(key=lambda ask: ask.kind)
    assert [event["accepted"] for event in coarse] == [False, False]
    assert all(0.4 < event["variation"] < 0.6 for event in coarse), "half of them are red"
