import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasearch.assets import asset
from metasearch.domains.societies.anatomy import of_traces
from metasearch.types import Finish, Message, ModelCall, ModelReply, ModelRequest, Usage
from tests.domains.societies.closed_teams import channels, checks

SOURCE = asset("seeds") / "social" / "teams" / "nested_team.py"
MOST_CALLS = 32  # of one task, unless a search says otherwise


@pytest.fixture
def seed(monkeypatch):
    return loaded(monkeypatch)


def loaded(monkeypatch):
    monkeypatch.syspath_prepend(str(asset("sandbox") / "image"))
    names = {"__name__": "design"}
    exec(compile(SOURCE.read_text(), "design", "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def machine_of():
    with pytest.MonkeyPatch.context() as patch:
        yield loaded(patch).Machine


MOVES = st.tuples(
    st.sampled_from(["discussion", "sync", "async", "pause", "conclusion"]),
    st.lists(st.sampled_from(["a", "b", "c", "nobody"]), max_size=3),
)


@pytest.mark.parametrize(("name", "found", "expected"), checks())
def test_channels_are_as_published(name, found, expected):
    assert found == expected, name


@settings(deadline=None)
@given(st.lists(MOVES, max_size=12), st.integers(1, 8), st.integers(0, 4), st.randoms())
def test_the_laws_of_the_machine_hold_whatever_is_said(machine_of, moves, turns, tasks, chance):
    machine = machine_of(["a", "b", "c"], turns, tasks)
    spoken = begun = 0
    for kind, names in moves:
        if machine.state == "conclusion":
            break
        speaker = machine.speaker
        running = set(machine.running)
        started = machine.say(kind, "x", names, "t")
        spoken, begun = spoken + 1, begun + len(started)
        said = machine.log[-1]
        assert said.sender == speaker  # one speaker at a time, and it is the current one
        assert set(said.next) <= {"a", "b", "c"}
        assert said.type == ("conclusion" if spoken == turns else kind)
        if said.type == "sync":
            assert machine.waiting == {one.number for one in started}
            assert machine.speaker == speaker
        elif said.type == "async":
            assert machine.state == "discussion"
            assert machine.speaker == speaker
        elif said.type == "pause":
            assert machine.waiting == running
        assert (machine.state == "discussion") or machine.waiting or said.type == "conclusion"
        order = sorted(machine.waiting)
        chance.shuffle(order)
        for number in order:
            assert machine.state in ("sync", "pause")
            with pytest.raises(RuntimeError, match="nobody may speak"):
                machine.say("discussion", "x", ["a"], "")
            machine.finish(number, "done")
        if said.type == "sync":  # every one of its tasks has ended before the next speaker
            assert not machine.running.keys() & {one.number for one in started}
    assert begun <= tasks
    assert spoken <= turns
    while machine.state != "conclusion":  # it can always be reached
        machine.say("discussion", "x", [], "")
    with pytest.raises(RuntimeError, match="state conclusion"):
        machine.say("discussion", "x", ["a"], "")


class Model:
    """Replies by what is asked for; keeps the calls as an evaluation's trace does."""

    def __init__(self, seed, monkeypatch, turn, work, team=("Ada", "Ben", "Cleo", "Dan")):
        from agentkit import _link

        self.turn, self.work, self.team = turn, work, list(team)
        self.trace = []
        monkeypatch.setattr(_link, "call", self.call)

    async def call(self, op, body):
        user = body["messages"][-1]["content"]
        fields = list(body["schema"]["properties"])
        if fields == ["skills"]:
            reply = {"skills": ["algebra", "proofs"]}
        elif fields == ["team"]:
            reply = {"team": self.team}
        elif "type" in fields:
            talk = {
                "thought": "",
                "content": "so be it",
                "type": "conclusion",
                "next": [],
                "task": "",
            }
            reply = {**talk, **self.turn(body["agent"], user)}
        elif "helpers" in fields:
            done = {"thinking": "", "result": f"{body['agent']} has done it", "helpers": []}
            reply = {**done, **self.work(body["agent"], user)}
        else:
            reply = {"thinking": "", "answer": "42"}
        text = json.dumps(reply)
        messages = tuple(Message(one["role"], one["content"]) for one in body["messages"])
        request = ModelRequest("m", messages, 100, schema=body["schema"])
        answer = ModelReply(text, Finish.STOP, Usage(), 0.0, 0.0)
        at = len(self.trace)
        self.trace.append(ModelCall(at, body["agent"], f"k{at}", request, answer))
        return {"text": text, "finish": "stop"}

    def asked(self, field):
        return [call for call in self.trace if field in call.request.schema["properties"]]


async def run(seed):
    from agentkit import Task

    return await seed.solve(Task("What is six times seven?", str))


def begins(user):
    return "Said so far:\n\n" in user


async def test_a_team_that_concludes_at_once_takes_four_calls(seed, monkeypatch):
    model = Model(seed, monkeypatch, lambda name, user: {}, None)
    assert await run(seed) == "42"
    assert len(model.trace) == 4
    assert "so be it" in model.trace[-1].request.messages[-1].content


async def test_a_synchronous_task_is_done_before_anybody_speaks_again(seed, monkeypatch):
    def turn(name, user):
        return {"type": "sync", "next": ["Ben", "Cleo"], "task": "halve it"} if begins(user) else {}

    model = Model(seed, monkeypatch, turn, lambda name, user: {})
    assert await run(seed) == "42"
    kinds = ["type" in call.request.schema["properties"] for call in model.trace[2:]]
    assert kinds == [True, False, False, True, False]
    last = model.asked("type")[-1].request.messages[-1].content
    assert "Ben (inform result): halve it: Ben has done it" in last
    assert "Cleo (inform result): halve it: Cleo has done it" in last


async def test_an_asynchronous_task_is_read_at_the_pause(seed, monkeypatch):
    moves = iter(["async", "discussion", "pause", "conclusion"])

    def turn(name, user):
        return {"type": next(moves), "next": ["Dan"], "task": "look it up"}

    model = Model(seed, monkeypatch, turn, lambda name, user: {})
    assert await run(seed) == "42"
    seen = ["inform result" in c.request.messages[-1].content for c in model.asked("type")]
    assert seen == [False, False, False, True]
    speakers = [call.agent for call in model.asked("type")]
    assert speakers == ["Ada", "Ada", "Dan", "Dan"]


async def test_what_still_runs_at_the_conclusion_is_not_lost(seed, monkeypatch):
    moves = iter(["async", "conclusion"])
    model = Model(
        seed,
        monkeypatch,
        lambda name, user: {"type": next(moves), "next": ["Dan"], "task": "look it up"},
        lambda name, user: {},
    )
    assert await run(seed) == "42"
    assert "Dan has done it" in model.trace[-1].request.messages[-1].content


async def test_naming_itself_for_ever_ends_at_the_last_turn(seed, monkeypatch):
    model = Model(
        seed, monkeypatch, lambda name, user: {"type": "discussion", "next": [name]}, None
    )
    assert await run(seed) == "42"
    assert len(model.asked("type")) == seed.TURNS[0]


async def test_unlimited_sub_teams_are_not_and_calls_are_few(seed, monkeypatch):
    teams = []
    make = seed.Team.__init__

    def noted(self, goal, members, depth=0):
        make(self, goal, members, depth)
        teams.append(self)

    monkeypatch.setattr(seed.Team, "__init__", noted)
    names = list(seed.REGISTRY)
    model = Model(
        seed,
        monkeypatch,
        lambda name, user: {"type": "async", "next": names, "task": "do it all again"},
        lambda name, user: {"helpers": [one for one in names if one != name]},
    )
    assert await run(seed) == "42"
    assert max(team.depth for team in teams) == 2
    sizes = [len(team.machine.members) for team in teams]
    assert sizes == [4] + [3] * 6
    assert sizes[0] + sum(size - 1 for size in sizes[1:]) == 16
    assert len(model.trace) <= MOST_CALLS
    first = [team for team in teams if team.depth == 1]
    flat = [[f"{at}.{name}" for name in team.machine.members] for at, team in enumerate(first)]
    assert channels([teams[0].machine.members]) == 6
    assert channels(flat) == 9


async def test_strangers_and_nonsense_in_a_message_are_dropped(seed, monkeypatch):
    def turn(name, user):
        return {"type": "discussion", "next": ["Zoe", "Ben"]} if begins(user) else {}

    model = Model(seed, monkeypatch, turn, None, team=["Zoe", "Ada", "Ada", "Ben"])
    assert await run(seed) == "42"
    assert [call.agent for call in model.asked("type")] == ["Ada", "Ben"]


async def test_the_anatomy_of_a_nested_team_is_read_from_its_calls(seed, monkeypatch):
    def turn(name, user):
        said = {"content": f"{name} thinks that this is to be halved first"}
        return {**said, "type": "discussion", "next": ["Ben"]} if begins(user) else said

    model = Model(seed, monkeypatch, turn, None)
    await run(seed)
    found = of_traces([model.trace])
    assert found.agents == 4  # the leader, the two who spoke, the integrator
    assert found.format == "structured"
    assert {"planning", "reasoning", "profile"} <= set(found.modules)
    assert found.collaboration == "one-way"
