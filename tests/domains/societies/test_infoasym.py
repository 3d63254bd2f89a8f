import json
import random
from itertools import combinations
from statistics import fmean

import pytest

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.infoasym import InfoAsym, load
from metasearch.domains.societies.infoasym.bots import AskOnly, DumpAll, NoTalk
from metasearch.domains.societies.infoasym.items import LEVELS, Item, read_spans
from metasearch.domains.societies.infoasym.rules import MESSAGE_BYTES, SEARCHES, TURNS, cut
from metasearch.domains.societies.infoasym.schedule import Activity, deletions
from metasearch.domains.societies.infoasym.stores import search
from metasearch.errors import ConfigError
from metasearch.types import Split
from tests.domains.societies.closed_infoasym import checks
from tests.domains.societies.seed_members import seed_member

EPISODES = 6


def scenarios(level, split=Split.TRAIN, setting="self"):
    game = InfoAsym((level,))
    return game, [game.scenario(split, setting, random.Random(i)) for i in range(EPISODES)]


def played(level, bot, **how):
    game, drawn = scenarios(level, **how)
    logs = [game.rehearse(one, bot, seed=number) for number, one in enumerate(drawn)]
    return game, logs


class Says:
    """Replies the same thing whatever it is asked."""

    def __init__(self, reply):
        self.reply, self.asked = reply, []

    def observe(self, event):
        pass

    def act(self, request):
        self.asked.append(request)
        return self.reply


def test_floors_and_intervals_are_as_published():
    for name, found, expected in checks():
        assert found == expected, name


def test_the_chain_is_as_long_as_by_trying_all_subsets():
    rng = random.Random(1)
    for _ in range(60):
        acts = []
        for _ in range(rng.randrange(7)):
            start = rng.randrange(10)
            acts.append(Activity("x", start, start + rng.randint(1, 4)))
        chains = [
            kept
            for size in range(len(acts) + 1)
            for kept in combinations(acts, size)
            if all(a.end <= b.start or b.end <= a.start for a, b in combinations(kept, 2))
        ]
        assert deletions(acts) == len(acts) - max(map(len, chains))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("split", [Split.TRAIN, Split.TEST])
def test_dump_all_and_ask_only_are_always_right_and_ask_only_needs_less(level, split):
    game, dumped = played(level, DumpAll, split=split)
    _, asked = played(level, AskOnly, split=split)
    _, silent = played(level, NoTalk, split=split)
    assert [game.metrics(log)["raw"] for log in dumped + asked] == [1.0] * (2 * EPISODES)
    assert [game.score(log) for log in asked] == [1.0] * EPISODES
    for thrifty, wasteful in zip(asked, dumped, strict=True):
        assert game.metrics(thrifty)["bytes"] < game.metrics(wasteful)["bytes"]
        assert game.metrics(thrifty)["privacy"] < game.metrics(wasteful)["privacy"]
    assert fmean(map(game.score, dumped)) < 0.8
    for log in silent:
        measured = game.metrics(log)
        assert measured["bytes"] == measured["privacy"] == 0
        if level != "needle":  # where a guess may be right
            assert measured["raw"] == measured["floor"]
            assert game.score(log) == 0


def test_the_score_falls_with_every_byte_beyond_the_budget():
    game, logs = played("hard", DumpAll)
    for log in logs:
        measured, budget = game.metrics(log), log[0]["constants"]["budget"]
        assert game.score(log) == pytest.approx(budget / measured["bytes"])


@pytest.mark.parametrize("setting", ["mixed", "shock"])
def test_only_the_design_pays_for_its_bytes_among_background_members(setting):
    game, logs = played("medium", AskOnly, setting=setting)
    for log in logs:
        focal = Scenario.of(log[0]).focal
        assert 0 < len(focal) < len(log[0]["seats"])
        assert game.metrics(log)["bytes"] < game.metrics(log)["bytes_all"]
        assert game.score(log) > 0.9


def test_metrics_are_the_same_of_a_log_that_was_stored():
    for level in LEVELS:
        game, logs = played(level, AskOnly)
        for log in logs:
            again = json.loads(json.dumps(log))
            assert game.metrics(again) == game.metrics(log) == game.metrics(log)


def test_the_search_never_sees_hidden_numbers_names_or_words():
    for level in LEVELS:
        _, known = scenarios(level)
        _, hidden = scenarios(level, Split.TEST)

        def words(drawn):
            return {
                what
                for one in drawn
                for held in one.constants["facts"]
                for fact in held
                for what in fact
                if isinstance(what, str)
            }

        routine = {"Sleep", "Lunch"}
        assert words(known) & words(hidden) <= routine
        names = [
            {name for one in drawn for name in one.constants["names"]} for drawn in (known, hidden)
        ]
        assert not names[0] & names[1]
        assert {one.constants["wording"] for one in known} == {0}
        assert {one.constants["wording"] for one in hidden} == {1}
    sizes = {len(one.seats) for one in scenarios("easy", Split.TEST)[1]}
    assert 6 not in sizes


def test_whoever_says_and_searches_for_ever_ends_without_an_answer():
    game, (scenario, *_) = scenarios("easy")
    for reply in ("?", "", {"query": {}}, {"open_session": "nobody"}, {"answer": {}}, 7, None):
        members = []

        def make(rng, reply=reply, members=members):
            members.append(Says(reply))
            return members[-1]

        log = game.rehearse(scenario, make)
        assert log[-1] == {"kind": "answer", "value": None}
        assert sum(event["kind"] == "message" for event in log) == TURNS
        assert all(len(member.asked) <= SEARCHES + TURNS for member in members)
        assert game.score(log) == 0


def test_friends_calling_one_another_for_ever_come_to_an_end():
    game, (scenario, *_) = scenarios("hard")

    class Caller(Says):
        def act(self, request):
            super().act(request)
            return {"open_session": request["contacts"][len(self.asked) % len(request["contacts"])]}

    callers = []
    log = game.rehearse(scenario, lambda rng: callers.append(Caller(None)) or callers[-1])
    assert log[-1]["kind"] == "answer"
    assert game.metrics(log)["messages"] < 100
    # A friend may ask a friend in its turn, and there it ends.
    assert {request["depth"] for caller in callers for request in caller.asked} == {0, 1, 2}


def test_what_a_friend_has_never_told_is_learnt_in_a_session_of_ones_own():
    class NoFriends(AskOnly):
        def friend_to_ask(self):
            return ""

    game, drawn = scenarios("hard")
    drawn = [one for one in drawn if not all(map(all, one.constants["told"]))]
    assert drawn
    for bot, right in ((AskOnly, 1.0), (NoFriends, 0.95)):
        raw = [game.metrics(game.rehearse(one, bot))["raw"] for one in drawn]
        assert (fmean(raw) == 1) == (right == 1)


def test_a_store_shows_its_owner_what_matches_and_nobody_else_anything():
    rows = [
        {"at": at, "from": "AB"[at % 2], "to": "BA"[at % 2], "text": f"Yoga {at}"}
        for at in range(50)
    ]
    everything = {"sender": "", "keyword": "", "window": [0, 10**6]}
    assert search(rows, everything) == {"found": rows[:20], "more": 30}
    assert search(rows, {**everything, "sender": "A", "window": [40, 44]})["found"] == [
        rows[40],
        rows[42],
        rows[44],
    ]
    assert search(rows, {**everything, "keyword": "yOGA 7"})["found"] == [rows[7]]
    _, logs = played("needle", NoTalk)
    for log in logs:
        told = [event for event in log if event["kind"] not in ("episode", "act", "answer")]
        assert not any(
            fact[1] in str(told) for held in log[0]["constants"]["facts"] for fact in held
        )


def test_bytes_are_counted_and_no_character_is_halved():
    assert cut("é" * MESSAGE_BYTES) == "é" * (MESSAGE_BYTES // 2)
    assert len(cut("€" * 300).encode()) == 498
    blob = "€" * 150  # 150 characters, 450 bytes
    game, drawn = scenarios("easy")
    log = game.rehearse(drawn[0], lambda rng: Says(blob))
    assert game.metrics(log)["bytes_all"] == TURNS * 450


def test_answers_are_read_as_people_write_them():
    assert read_spans("9:30 - 11:00, and 23:00 to 24:00") == {19, 20, 21, 46, 47}
    _, drawn = scenarios("easy")
    item = Item.of(drawn[0].constants)
    gold = item.answer()
    assert item.grade(f"At least {gold} activities.") == item.grade(int(gold)) == 1
    assert item.grade("0 1 2 3 4 5 6") == 0  # not all numbers at once
    medium = Item.of(scenarios("medium")[1][0].constants)
    assert medium.grade(f'"{medium.answer().upper()}".') == 1
    assert medium.grade(f"{medium.answer()}, Sleep") == pytest.approx(2 / 3)
    assert item.grade(None) == item.grade(["x"]) == 0


def test_the_domain_takes_a_level_and_refuses_what_is_none():
    domain = load("hard", sizes=dict.fromkeys(Split, 2))
    kinds = {domain.scenario(task).constants["level"] for task in domain.tasks(Split.TEST)}
    assert kinds == {"hard"}
    with pytest.raises(ConfigError, match="easy, medium, hard, needle"):
        load("harder")


@pytest.mark.parametrize("level", LEVELS)
def test_the_seed_that_tells_all_is_right_at_its_price(level, monkeypatch):
    make = seed_member(monkeypatch, "infoasym", "dump_all")
    for split in (Split.TRAIN, Split.TEST):
        game, logs = played(level, make, split=split)
        assert [game.metrics(log)["raw"] for log in logs] == [1.0] * EPISODES
        assert all(game.metrics(log)["invalid_rate"] == 0 for log in logs)


@pytest.mark.parametrize("name", ["infonav", "plain_chat"])
def test_seeds_with_a_model_talk_search_and_answer(name, monkeypatch):
    asked = []

    def model(body):
        asked.append(body)
        fields = body["schema"]["properties"]
        texts = {"answer": "3", "message": "Which of yours overlap?", "plan": "unknown: theirs"}
        reply = {}
        for field, part in fields.items():
            if "enum" in part:
                reply[field] = part["enum"][0]
            else:
                reply[field] = len(asked) > 8 if part["type"] == "boolean" else texts.get(field, "")
        return reply

    game, drawn = scenarios("easy")
    log = game.rehearse(drawn[0], seed_member(monkeypatch, "infoasym", name, model))
    measured = game.metrics(log)
    assert log[-1] == {"kind": "answer", "value": "3"}
    assert measured["invalid_rate"] == 0
    assert measured["messages"] >= 2
    first = asked[0]["messages"][-1]["content"]
    assert Item.of(drawn[0].constants).question in first
    assert ("Plan so far" in first) == (name == "infonav")
    assert measured["sessions"] > 1 if name == "infonav" else measured["sessions"] == 1
