"""What a design is like inside, read from what it did and never from what it says of itself.

Descriptors after Mou et al. 2024, "From individual to society", arXiv:2412.03563 (level, roles,
organisation, structure, format, memory) and Tran et al. 2025, arXiv:2501.06322 (collaboration,
strategy, coordination). `of_traces` reads the calls of question designs: who was shown whose reply;
`of_logs` reads episodes: who said something to whom, and who met whom. All are pure functions.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from metasearch.domains.societies.base import Scenario
from metasearch.domains.societies.table import Log
from metasearch.types import Json, ModelCall

__all__ = ["Anatomy", "Graph", "centralisation", "of_logs", "of_traces", "structure"]

CENTRALISED: Final = 0.5  # Freeman's index from which on a graph counts as centralised
SOCIETY_AGENTS: Final = 10  # so many make a society, fewer a scenario
LEAST_PIECE: Final = (
    12  # characters of a reply that prove, found elsewhere, that it was shown there
)
PLAIN_ROLE: Final = "You are a helpful assistant."
PLANNING: Final = frozenset({"plan", "steps", "next", "task", "tasks", "subtasks", "sub_tasks"})
REASONING: Final = frozenset({"thinking", "reasoning", "rationale", "thought", "thoughts"})
SEAT: Final = re.compile(r"^seat \d+: ")
NEUTRAL: Final = (None, "N", "", 0, False)


class Graph(NamedTuple):
    """Who was heard by whom.

    Attributes:
        agents: names.
        edges: (speaker, hearer), two different names each.
    """

    agents: frozenset[str]
    edges: frozenset[tuple[str, str]]

    def neighbours(self) -> dict[str, set[str]]:
        """Return each agent's partners, whichever of the two spoke."""
        found: dict[str, set[str]] = {agent: set() for agent in self.agents}
        for one, other in self.edges:
            found[one].add(other)
            found[other].add(one)
        return found


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Descriptors of a design, from one or more evaluations.

    Attributes:
        level: "individual", "scenario" (some agents) or "society" (ten and more).
        agents: the most that took part in one evaluation.
        roles: how many different ones: system messages, or sets of decisions in an episode.
        centralisation: Freeman's degree index of the message graph, mean, in [0, 1].
        structure: "single", "separate" (nobody hears anybody), "layered", "centralised" or
            "decentralised".
        organisation: "static", or "dynamic" where the graph differs between tasks or halves of an
            episode.
        stages: the longest chain of replies that build on one another, or turns of one seat.
        format: of replies or messages: "none", "text", "structured" or "mixed".
        collaboration: "none", "one-way" or "mutual".
        strategy: "none", "rule-based" (alike and fixed), "role-based" or "model-based" (who takes
            part depends on what was said).
        coordination: "single", "parallel", "sequential", "rounds" (the same agents again) or
            "staged".
        memory: of "own" (an agent was shown its own earlier reply) and "shared" (several were shown
            the same one's).
        modules: of "profile", "planning", "reasoning", "reflection" and "memory".
        sanction: somebody of the design punished.
        reputation: the rules showed one.
    """

    level: str
    agents: int
    roles: int
    centralisation: float
    structure: str
    organisation: str
    stages: int
    format: str
    collaboration: str
    strategy: str
    coordination: str
    memory: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    sanction: bool = False
    reputation: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return {**asdict(self), "memory": list(self.memory), "modules": list(self.modules)}


def centralisation(graph: Graph) -> float:
    """Return Freeman's degree centralisation of the undirected graph, in [0, 1].

    `sum(most - degree) / ((n - 1) (n - 2))`: 1 for a star, 0 for a ring, for all with all, and for
    fewer than three agents. Source: Freeman 1978, Social Networks 1.
    """
    number = len(graph.agents)
    if number < 3:
        return 0.0
    degrees = [len(partners) for partners in graph.neighbours().values()]
    return sum(max(degrees) - degree for degree in degrees) / ((number - 1) * (number - 2))


def structure(graph: Graph) -> str:
    """Return the kind of graph; a tree of depth two and more is layered.

    The depth of a tree is its longest way along what was heard, or where some heard one another,
    the distance of its farthest agent from its middle.
    """
    if len(graph.agents) < 2:
        return "single"
    if not graph.edges:
        return "separate"
    if _is_tree(graph) and _depth(graph) >= 2:
        return "layered"
    # Two are a centre and its one partner only if the talk goes one way.
    if len(graph.agents) == 2:
        return "decentralised" if _is_mutual(graph) else "centralised"
    return "centralised" if centralisation(graph) >= CENTRALISED else "decentralised"


def _is_mutual(graph: Graph) -> bool:
    return any((other, one) in graph.edges for one, other in graph.edges)


def _is_tree(graph: Graph) -> bool:
    pairs = {frozenset(edge) for edge in graph.edges}
    reached = _distances(graph.neighbours(), min(graph.agents))
    return len(pairs) == len(graph.agents) - 1 and len(reached) == len(graph.agents)


def _depth(graph: Graph) -> int:
    if _is_mutual(graph):
        partners = graph.neighbours()
        return min(max(_distances(partners, agent).values()) for agent in graph.agents)
    heard: dict[str, set[str]] = {agent: set() for agent in graph.agents}
    for speaker, hearer in graph.edges:
        heard[speaker].add(hearer)
    return max(max(_distances(heard, agent).values()) for agent in graph.agents)


def _distances(partners: Mapping[str, set[str]], start: str) -> dict[str, int]:
    found, front = {start: 0}, [start]
    for agent in front:
        for other in sorted(partners[agent] - found.keys()):
            found[other] = found[agent] + 1
            front.append(other)
    return found


class _Reading(NamedTuple):
    """What one evaluation shows; `together` makes an `Anatomy` of several."""

    graph: Graph
    roles: frozenset[Json]
    stages: int
    formats: frozenset[str]
    coordination: str
    memory: frozenset[str]
    modules: frozenset[str]
    dynamic: bool = False
    sanction: bool = False
    reputation: bool = False
    people: int = 0


def of_traces(traces: Sequence[Sequence[ModelCall]]) -> Anatomy | None:
    """Return the anatomy of a question design from its evaluations' calls.

    A reply was shown to a later call where a longer piece of it, or all of its fields below its
    author's name as the kit renders them, is in that call's prompt and was not in its own.

    Args:
        traces: of some evaluations; those without calls are left out.

    Returns:
        None where no call was made at all.
    """
    return _together([_of_calls(trace) for trace in traces if trace])


def of_logs(logs: Sequence[Log], traces: Sequence[Sequence[ModelCall]] = ()) -> Anatomy | None:
    """Return the anatomy of a society from its episodes.

    Args:
        logs: of some episodes; empty ones are left out.
        traces: of the same episodes, if members asked a model: they tell memory and modules.

    Returns:
        None where no episode was played.
    """
    readings = [_of_log(log) for log in logs if log]
    calls = [_of_calls(trace) for trace in traces if trace]
    minds = [one._replace(graph=readings[0].graph) for one in calls] if readings else []
    memory = frozenset(kind for one in minds for kind in one.memory)
    modules = frozenset(kind for one in minds for kind in one.modules)
    return _together([one._replace(memory=memory, modules=modules) for one in readings])


def _together(readings: Sequence[_Reading]) -> Anatomy | None:
    if not readings:
        return None
    graphs = [one.graph for one in readings]
    agents = max(max(len(one.graph.agents), one.people) for one in readings)
    kinds = frozenset(role for one in readings for role in one.roles)
    dynamic = any(one.dynamic for one in readings) or len(set(graphs)) > 1
    formats = frozenset(kind for one in readings for kind in one.formats)
    several = any(len(graph.agents) > 1 for graph in graphs)
    strategy = "model-based" if dynamic else "role-based" if len(kinds) > 1 else "rule-based"
    return Anatomy(
        level="individual" if agents < 2 else "scenario" if agents < SOCIETY_AGENTS else "society",
        agents=agents,
        roles=len(kinds),
        centralisation=sum(map(centralisation, graphs)) / len(graphs),
        structure=_most(structure(graph) for graph in graphs),
        organisation="dynamic" if dynamic else "static",
        stages=max(one.stages for one in readings),
        format="mixed" if len(formats) > 1 else next(iter(formats), "none"),
        collaboration=_most(_collaboration(graph) for graph in graphs),
        strategy=strategy if several else "none",
        coordination=_most(one.coordination for one in readings),
        memory=tuple(sorted({kind for one in readings for kind in one.memory})),
        modules=tuple(sorted({kind for one in readings for kind in one.modules})),
        sanction=any(one.sanction for one in readings),
        reputation=any(one.reputation for one in readings),
    )


def _most(words: Iterable[str]) -> str:
    return Counter(sorted(words)).most_common(1)[0][0]


def _collaboration(graph: Graph) -> str:
    if not graph.edges:
        return "none"
    return "mutual" if _is_mutual(graph) else "one-way"


def _of_calls(trace: Sequence[ModelCall]) -> _Reading:
    calls = sorted(trace, key=lambda call: call.position)
    prompts = [_prompt(call) for call in calls]
    saw = [
        [i for i in range(j) if _was_shown(calls[i], prompts[i], prompts[j])]
        for j in range(len(calls))
    ]
    names = [call.agent for call in calls]
    edges = {(names[i], names[j]) for j, seen in enumerate(saw) for i in seen}
    others = frozenset(edge for edge in edges if edge[0] != edge[1])
    depth: list[int] = []
    for seen in saw:
        depth.append(1 + max((depth[i] for i in seen), default=0))
    own = any(one == other for one, other in edges)
    heard = Counter(speaker for speaker, _ in others)
    memory = {"own"} if own else set()
    memory |= {"shared"} if any(number > 1 for number in heard.values()) else set()
    fields = {field for call in calls for field in _fields(call)}
    modules = {"planning"} if fields & PLANNING else set()
    modules |= {"reasoning"} if fields & REASONING else set()
    modules |= {"reflection"} if own else set()
    modules |= {"memory"} if memory else set()
    roles = frozenset(_role(call) for call in calls)
    modules |= {"profile"} if roles - {PLAIN_ROLE, ""} else set()
    return _Reading(
        Graph(frozenset(names), others),
        roles,
        max(depth),
        frozenset("structured" if call.request.schema else "text" for call in calls),
        _coordination(names, depth),
        frozenset(memory),
        frozenset(modules),
    )


def _coordination(names: Sequence[str], depth: Sequence[int]) -> str:
    if len(names) == 1:
        return "single"
    layers = [
        {name for name, at in zip(names, depth, strict=True) if at == stage}
        for stage in range(1, max(depth) + 1)
    ]
    if len(layers) == 1:
        return "parallel"
    if any(len(one & other) > 1 for one, other in pairwise(layers)):
        return "rounds"
    return "sequential" if len(depth) == len(set(depth)) else "staged"


def _prompt(call: ModelCall) -> str:
    """Return what an agent was shown, its own reply left out where that was to be mended."""
    messages = call.request.messages
    cut = next((at for at, one in enumerate(messages) if one.role == "assistant"), len(messages))
    return "\n\n".join(message.content for message in messages[:cut])


def _role(call: ModelCall) -> str:
    return next((one.content for one in call.request.messages if one.role == "system"), "")


def _fields(call: ModelCall) -> list[str]:
    schema = call.request.schema
    parts = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return list(parts)


def _was_shown(call: ModelCall, own: str, prompt: str) -> bool:
    if call.reply is None:
        return False
    said = _said(call.reply.text)
    texts = [str(value).strip() for value in said.values()]
    if any(len(text) >= LEAST_PIECE and text in prompt and text not in own for text in texts):
        return True
    author = f"[{SEAT.sub('', call.agent)}]\n"
    lines = texts if list(said) == [""] else [f"{name}: {value}" for name, value in said.items()]
    _, found, below = prompt.partition(author)
    return bool(found and author not in own and all(line in below for line in lines))


def _said(text: str) -> dict[str, Json]:
    """Return a reply's fields, or its whole text as the field ""."""
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) and value else {"": text}


def _of_log(log: Log) -> _Reading:
    scenario = Scenario.of(log[0])
    seats = [str(seat) for seat in range(len(scenario.seats))]
    contacts = _contacts(log, len(seats))
    edges = [(str(one), str(other)) for one, other in contacts]
    half = len(edges) // 2
    acts = [event for event in log if event["kind"] == "act"]
    asked: dict[int, set[str]] = {}
    for act in acts:
        asked.setdefault(act["seat"], set()).add(act["ask"])
    turns = Counter(act["seat"] for act in acts)
    punished = (_is_sanction(act) for act in acts if act["seat"] in scenario.focal)
    constants = scenario.constants
    shown = any(constants.get(key) for key in ("reputation", "trace", "trace_length"))
    return _Reading(
        Graph(frozenset(seats), frozenset(edges)),
        frozenset(tuple(sorted(kinds)) for kinds in asked.values()),
        max(turns.values(), default=0),
        _formats(log),
        "rounds" if max(turns.values(), default=0) > 1 else "parallel",
        frozenset(),
        frozenset(),
        dynamic=set(edges[:half]) != set(edges[half:]),
        sanction=any(punished),
        reputation=shown or any("reputation" in event["ask"] for event in acts),
        people=int(constants.get("population") or 0),
    )


def _contacts(log: Log, seats: int) -> list[tuple[int, int]]:
    """Return who reached whom, in order: by a message, by talk to all, or by meeting."""
    directed = [event for event in log if "to" in event and "text" in event and "seat" in event]
    found: list[tuple[int, int]] = []
    for event in log:
        if event["kind"] == "act" and not directed and _text(event["value"]):
            found += [(event["seat"], other) for other in range(seats)]
        elif event["kind"] == "dyad":
            one, other = event["seats"]
            found += [(one, other), (other, one)]
    for event in directed:
        hearers = range(seats) if event["to"] == "all" else event["to"]
        found += [(event["seat"], other) for other in hearers if event["text"]]
    return [(one, other) for one, other in found if one != other]


def _text(value: Json) -> str:
    """Return what was said with an act: a text with a blank, or the field "text" of an object."""
    said = value.get("text") if isinstance(value, dict) else value
    return said if isinstance(said, str) and " " in said.strip() else ""


def _formats(log: Log) -> frozenset[str]:
    directed = [
        event["text"] for event in log if "to" in event and "text" in event and "seat" in event
    ]
    texts = directed or [_text(event["value"]) for event in log if event["kind"] == "act"]
    said = [text for text in texts if text]
    return frozenset("structured" if _said(text).keys() != {""} else "text" for text in said)


def _is_sanction(act: Mapping[str, Json]) -> bool:
    value = act["value"]
    if isinstance(value, dict):
        return bool(value.get("punish"))
    return act["ask"] == "punish" and value not in NEUTRAL
