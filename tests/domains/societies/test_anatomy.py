import json
import random

import pytest

from metasearch.assets import asset
from metasearch.domains.societies.anatomy import (
    Anatomy,
    Graph,
    centralisation,
    of_logs,
    of_traces,
    structure,
)
from metasearch.domains.societies.beauty import Beauty
from metasearch.domains.societies.infoasym import InfoAsym
from metasearch.domains.societies.payoff.pub import Pub
from metasearch.sandbox.base import Job
from metasearch.search.evaluate import Asking, read_request
from metasearch.testing.fake_sandbox import FakeSandbox
from metasearch.types import Finish, Message, ModelCall, ModelReply, ModelRequest, Split, Usage

QUESTION = "What is the sum of all primes below one hundred?"


def graph(*edges, also=()):
    pairs = frozenset(edges)
    return Graph(frozenset(name for edge in pairs for name in edge) | frozenset(also), pairs)


def both(*edges):
    return graph(*edges, *(edge[::-1] for edge in edges))


RING = both("ab", "bc", "cd", "de", "ea")
STAR = both("ab", "ac", "ad", "ae")
ALL = both(*(one + other for one in "abcd" for other in "abcd" if one < other))


def edges_of(pairs):
    return Graph(pairs.agents, frozenset((edge[0], edge[1]) for edge in pairs.edges))


@pytest.mark.parametrize(
    ("shape", "index", "kind"),
    [
        (STAR, 1.0, "centralised"),
        (RING, 0.0, "decentralised"),
        (ALL, 0.0, "decentralised"),
        (graph(also="abc"), 0.0, "separate"),
        (graph(also="a"), 0.0, "single"),
        (graph("ad", "bd", "cd"), 1.0, "centralised"),  # three are heard by a judge
        (graph("ab", "bc"), 1.0, "layered"),  # a chain
        (both("ab", "ac", "bd", "be", "cf", "cg"), 9 / 30, "layered"),  # a tree of seven
        (both("ab", "bc", "cd"), 2 / 6, "layered"),
        (graph("ab"), 0.0, "centralised"),
        (both("ab"), 0.0, "decentralised"),
    ],
)
def test_known_graphs(shape, index, kind):
    assert centralisation(edges_of(shape)) == pytest.approx(index)
    assert structure(edges_of(shape)) == kind


def call(position, agent, said, *shown, role="You are a helpful assistant.", fields=None):
    schema = {"properties": {name: {"type": "string"} for name in fields}} if fields else None
    messages = (Message("system", role), Message("user", "\n\n".join([QUESTION, *shown])))
    request = ModelRequest("m", messages, 100, schema=schema)
    text = said if isinstance(said, str) else json.dumps(said)
    reply = ModelReply(text, Finish.STOP, Usage(), 0.0, 0.0)
    return ModelCall(position, agent, f"k{position}", request, reply)


def thought(agent, number):
    return {"thinking": f"{agent} reckons in its own way, {number} times", "answer": number}


def debate():
    """Three answer, each then sees the other two, a judge sees the last three."""
    fields = ["thinking", "answer"]
    names = ["ann", "bob", "cyd"]
    first = [thought(name, 1) for name in names]
    second = [thought(name, 2) for name in names]
    calls = [call(i, n, first[i], role=f"You are {n}.", fields=fields) for i, n in enumerate(names)]
    for i, name in enumerate(names):
        shown = [one["thinking"] for j, one in enumerate(first) if j != i]
        calls.append(call(3 + i, name, second[i], *shown, role=f"You are {name}.", fields=fields))
    shown = [one["thinking"] for one in second]
    return [
        *calls,
        call(6, "judge", thought("judge", 3), *shown, role="You are fair.", fields=fields),
    ]


def test_a_single_call_is_an_individual():
    found = of_traces([[call(0, "solver", "1060")]])
    assert found == Anatomy(
        *("individual", 1, 1, 0.0, "single", "static", 1, "text", "none", "none", "single"),
    )


def test_a_debate_with_a_judge():
    found = of_traces([debate()])
    assert (found.agents, found.roles, found.stages) == (4, 4, 3)
    assert (found.structure, found.collaboration) == ("decentralised", "mutual")
    assert (found.organisation, found.strategy) == ("static", "role-based")
    assert (found.coordination, found.format) == ("rounds", "structured")
    assert found.memory == ("shared",)
    assert found.modules == ("memory", "profile", "reasoning")
    assert found.centralisation == 0


def test_votes_side_by_side_and_a_judge_who_sees_them():
    votes = [call(i, f"solver {i}", thought(f"s{i}", i)) for i in range(3)]
    apart = of_traces([votes])
    assert (apart.structure, apart.collaboration, apart.coordination) == (
        *("separate", "none", "parallel"),
    )
    shown = [json.loads(vote.reply.text)["thinking"] for vote in votes]
    judged = of_traces([[*votes, call(3, "judge", "so be it", *shown)]])
    assert (judged.structure, judged.centralisation) == ("centralised", 1.0)
    assert (judged.collaboration, judged.coordination, judged.stages) == ("one-way", "staged", 2)


def test_refining_ones_own_answer_is_reflection():
    first = call(0, "solver", "I think that it is one thousand and sixty")
    again = call(1, "solver", "1060", "You said: I think that it is one thousand and sixty")
    found = of_traces([[first, again]])
    assert (found.agents, found.memory, found.modules) == (1, ("own",), ("memory", "reflection"))
    assert (found.coordination, found.stages) == ("sequential", 2)


def test_short_replies_are_known_by_their_author():
    first = call(0, "solver", {"answer": 5}, fields=["answer"])
    seen = call(1, "critic", "fine", "[solver]\nanswer: 5")
    unseen = call(1, "critic", "fine", "[somebody]\nanswer: 5")
    assert of_traces([[first, seen]]).collaboration == "one-way"
    assert of_traces([[first, unseen]]).collaboration == "none"


def test_what_was_in_the_question_is_no_reply_and_a_retry_is_no_memory():
    echo = call(0, "parrot", QUESTION)
    later = call(1, "solver", "1060")
    assert of_traces([[echo, later]]).collaboration == "none"
    wrong = call(0, "solver", "not what was asked for at all")
    messages = (
        *wrong.request.messages,
        Message("assistant", "not what was asked for at all"),
        Message("user", "That does not fit: not what was asked for at all"),
    )
    mended = call(1, "solver", "1060")
    request = ModelRequest("m", messages, 100)
    mended = ModelCall(1, "solver", "k1", request, mended.reply)
    assert of_traces([[wrong, mended]]).memory == ()


def test_a_router_is_dynamic_once_tasks_are_routed_apart():
    def routed(expert):
        return [
            call(0, "router", {"choice": expert}, fields=["choice"]),
            call(1, expert, "1060", role=f"You are {expert}."),
        ]

    assert of_traces([routed("Ann"), routed("Ann")]).organisation == "static"
    found = of_traces([routed("Ann"), routed("Bob")])
    assert (found.organisation, found.strategy, found.agents) == ("dynamic", "model-based", 2)


def test_nothing_asked_or_played_has_no_anatomy():
    assert of_traces([]) is None
    assert of_traces([[]]) is None
    assert of_logs([[]]) is None


def test_friends_who_all_hear_one_another():
    game = Pub()
    scenario = game.scenario(Split.TRAIN, "self", random.Random(0))
    found = of_logs([game.rehearse(scenario, game.bots["follower"])])
    assert (found.level, found.agents, found.structure) == ("scenario", 4, "decentralised")
    assert (found.format, found.collaboration, found.organisation) == ("text", "mutual", "static")
    silent = of_logs([game.rehearse(scenario, game.bots["silent"])])
    assert (silent.structure, silent.format, silent.collaboration) == ("separate", "none", "none")


def test_two_halves_who_talk_through_their_middle_are_layered():
    game = InfoAsym(("hard",))
    scenario = game.scenario(Split.TRAIN, "self", random.Random(0))
    log = game.rehearse(scenario, game.bots["dump-all"])
    found = of_logs([log])
    assert (found.agents, found.structure) == (6, "layered")
    assert found.collaboration == "mutual"
    assert of_logs([json.loads(json.dumps(log))]) == found


def test_a_population_is_a_society_that_meets_nobody():
    game = Beauty()
    scenario = game.scenario(Split.TRAIN, "self", random.Random(0))
    found = of_logs([game.rehearse(scenario, game.bots["level-1"])])
    assert (found.level, found.agents, found.structure) == ("society", 200, "separate")


def episode(*events, **constants):
    seats = ["design", "design", "tft"]
    opening = {"kind": "episode", "setting": "mixed", "seats": seats, "constants": constants}
    return [opening, *events]


def act(seat, ask, value):
    return {"kind": "act", "seat": seat, "ask": ask, "value": value}


def test_sanction_is_what_the_design_did_and_reputation_what_was_shown():
    dyad = {"kind": "dyad", "seats": [0, 2]}
    found = of_logs([episode(act(0, "punish", "N"), act(2, "punish", "P"), dyad)])
    assert (found.sanction, found.reputation) == (False, False)
    found = of_logs([episode(act(0, "punish", "P"), dyad, reputation=True)])
    assert (found.sanction, found.reputation) == (True, True)
    assert of_logs([episode(act(1, "donate", {"punish": 2.0}))]).sanction


async def shipped(name):
    """The anatomy of a shipped design, its model saying something else each time."""
    calls = []

    async def answer(body):
        at, asking = len(calls), read_request(body, Asking("m"))
        said = {}
        for field, part in asking.schema["properties"].items():
            kinds = {"integer": at, "boolean": False, "string": f"call {at} says {field} at length"}
            said[field] = part["enum"][0] if "enum" in part else kinds[part["type"]]
        reply = ModelReply(json.dumps(said), Finish.STOP, Usage(), 0.0, 0.0)
        calls.append(ModelCall(at, body["agent"], f"k{at}", asking, reply))
        return {"text": reply.text, "finish": "stop"}

    source = (asset("seeds") / "single" / f"{name}.py").read_text()
    worker = await FakeSandbox().open(source)
    result = await worker.run(Job({"prompt": QUESTION, "answer_type": "int"}), answer)
    assert result.outcome == "answered"
    return of_traces([calls])


@pytest.mark.parametrize(
    ("name", "agents", "structure", "collaboration", "coordination"),
    [
        ("chain_of_thought", 1, "single", "none", "single"),
        ("self_consistency", 5, "separate", "none", "parallel"),
        ("step_back", 2, "centralised", "one-way", "sequential"),
        ("self_refine", 2, "decentralised", "mutual", "sequential"),
        ("debate", 4, "decentralised", "mutual", "rounds"),
    ],
)
async def test_shipped_designs_are_what_they_say(
    name, agents, structure, collaboration, coordination
):
    found = await shipped(name)
    assert (found.agents, found.structure) == (agents, structure)
    assert (found.collaboration, found.coordination) == (collaboration, coordination)


def test_it_is_plain_json():
    found = of_traces([debate()])
    stored = json.loads(json.dumps(found.to_json()))
    again = {**stored, "memory": tuple(stored["memory"]), "modules": tuple(stored["modules"])}
    assert Anatomy(**again) == found
