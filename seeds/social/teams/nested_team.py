"""A leader finds the smallest team; it talks under a five-state machine and nests teams for tasks.

Chen et al. 2024, "Internet of Agents", arXiv:2407.07061: registry and search, teams of at most
four, states discussion, synchronous and asynchronous assignment, pause, conclusion; one speaks at
a time. Here the result of an asynchronous task is read when it is waited for, so that a run does
not depend on the clock; at most 16 seats, three levels and 30 questions.
"""

import asyncio
from typing import NamedTuple

from agentkit import Agent, Memory, Reply, ReplyError, Task

REGISTRY = {
    "Ada": "mathematician: algebra, number theory, probability, exact calculation",
    "Ben": "logician: puzzles, constraints, case analysis, proofs",
    "Cleo": "programmer: algorithms, data, simulation, step by step execution",
    "Dan": "linguist: reading, wording, grammar, translation, summaries",
    "Eve": "scientist: physics, chemistry, biology, units, estimates",
    "Finn": "critic: checks results, finds errors and gaps",
    "Gus": "historian: people, places, dates, general knowledge",
    "Hal": "planner: splits problems into parts, merges results",
}
MOST_MEMBERS = 4
HELPERS = 2  # whom the owner of a task may call
# By level of nesting: messages of a team, and tasks that it may assign.
TURNS = (6, 3, 2)
TASKS = (3, 1, 0)
DISCUSSION, SYNC, ASYNC, PAUSE, CONCLUSION = TYPES = (
    *("discussion", "sync", "async", "pause", "conclusion"),
)
RESULT = "inform result"
HOW = (
    "Types: discussion (one name in next speaks next), sync (each name in next does the task, the "
    "talk waits), async (the same, the talk goes on), pause (wait for all running tasks), "
    "conclusion (content is the team's result). Reply with your message."
)


class Message(NamedTuple):
    """What was said in a team."""

    sender: str
    type: str
    content: str
    next: list[str]


class Assignment(NamedTuple):
    """A task of one member."""

    number: int
    owner: str
    task: str


class Machine:
    """Who may speak, and what is waited for: knows no model."""

    def __init__(self, members: list[str], turns: int, tasks: int) -> None:
        self.members = members
        self.speaker = members[0]
        self.state = DISCUSSION
        self.turns_left = turns
        self.tasks_left = tasks
        self.log: list[Message] = []
        self.running: dict[int, Assignment] = {}
        self.waiting: set[int] = set()
        self._number = 0

    def say(self, kind: str, content: str, names: list[str], task: str) -> list[Assignment]:
        """Take the speaker's message and return the tasks that begin with it."""
        if self.state != DISCUSSION:
            raise RuntimeError(f"nobody may speak in the state {self.state}")
        self.turns_left -= 1
        if self.turns_left <= 0:
            kind = CONCLUSION
        known = [name for name in dict.fromkeys(names) if name in self.members]
        following = known or [self.speaker]
        self.log.append(Message(self.speaker, kind, content, following))
        if kind == CONCLUSION:
            self.state = CONCLUSION
        elif kind in (SYNC, ASYNC):
            return self._assign(kind, following, task or content)
        elif kind == PAUSE:
            self._wait(PAUSE, set(self.running))
        else:
            self.speaker = following[0]
        return []

    def _assign(self, kind: str, owners: list[str], task: str) -> list[Assignment]:
        begun = []
        for owner in owners[: self.tasks_left]:
            begun.append(Assignment(self._number, owner, task))
            self.running[self._number] = begun[-1]
            self._number += 1
        self.tasks_left -= len(begun)
        if kind == SYNC:
            self._wait(SYNC, {one.number for one in begun})
        return begun  # the assigner speaks again

    def _wait(self, state: str, numbers: set[int]) -> None:
        self.waiting = numbers
        self.state = state if numbers else DISCUSSION

    def finish(self, number: int, result: str) -> None:
        """Take a task's result; the talk goes on once all that is waited for is there."""
        done = self.running.pop(number)
        self.log.append(Message(done.owner, RESULT, f"{done.task}: {result}", []))
        self.waiting.discard(number)
        if not self.waiting and self.state in (SYNC, PAUSE):
            self.state = DISCUSSION


class Team:
    """Members with one goal; `depth` 0 is the first team."""

    def __init__(self, goal: str, members: list[str], depth: int = 0) -> None:
        self.goal = goal
        self.depth = depth
        self.machine = Machine(members, TURNS[depth], TASKS[depth])

    async def run(self) -> str:
        """Talk until the conclusion and return it, with what was still running then."""
        machine = self.machine
        begun: dict[int, asyncio.Task[str]] = {}
        try:
            while machine.state != CONCLUSION:
                for one in machine.say(*await self.speak()):
                    begun[one.number] = asyncio.create_task(self.work(one))
                for number in sorted(machine.waiting):
                    machine.finish(number, await begun.pop(number))
            conclusion = machine.log[-1].content
            late = [(number, await begun.pop(number)) for number in sorted(begun)]
        finally:
            for task in begun.values():
                task.cancel()
            await asyncio.gather(*begun.values(), return_exceptions=True)
        for number, result in late:
            machine.finish(number, result)
        return "\n".join([conclusion, *(result for _, result in late)])

    async def speak(self) -> tuple[str, str, list[str], str]:
        """Ask the current speaker for its message."""
        machine = self.machine
        agent = Agent(machine.speaker, REGISTRY[machine.speaker], temperature=0.4)
        try:
            said = await agent.ask(
                f"Goal of your team: {self.goal}",
                "Team:\n" + "\n".join(f"{name}: {REGISTRY[name]}" for name in machine.members),
                "Said so far:\n" + "\n".join(map(self.line, machine.log)),
                f"Messages left: {machine.turns_left}. Tasks left to assign: {machine.tasks_left}.",
                HOW,
                fields={
                    "thought": str,
                    "content": str,
                    "type": TYPES,
                    "next": list[str],
                    "task": str,
                },
            )
        except ReplyError:
            return DISCUSSION, "", [machine.speaker], ""
        return str(said.type), said.content, said.next, said.task

    def line(self, message: Message) -> str:
        """Return a message as a line of the transcript."""
        return f"{message.sender} ({message.type}): {message.content}"

    async def work(self, given: Assignment) -> str:
        """Do a task alone, or with a team of its own."""
        agent = Agent(given.owner, REGISTRY[given.owner], temperature=0.4)
        others = {name: skill for name, skill in REGISTRY.items() if name != given.owner}
        try:
            reply = await agent.ask(
                f"Goal of your team: {self.goal}",
                f"Your task: {given.task}",
                "Do it, or name at most two helpers to do it with: "
                + "; ".join(f"{name}, {skill}" for name, skill in others.items()),
                fields={"thinking": str, "result": str, "helpers": list[str]},
            )
        except ReplyError:
            return "not done"
        helpers = [name for name in dict.fromkeys(reply.helpers) if name in others][:HELPERS]
        if not helpers or self.depth + 1 == len(TURNS):
            return str(reply.result)
        return await Team(given.task, [given.owner, *helpers], self.depth + 1).run()


async def find_team(goal: str) -> list[str]:
    """Search the registry for what the goal takes and return the smallest team that has it."""
    leader = Agent("leader", "a leader who recruits", temperature=0.2)
    registry = Memory()
    for name, skill in REGISTRY.items():
        registry.add(f"{name}: {skill}")
    try:
        wanted = await leader.ask(
            goal,
            "Which skills does this take? One or two words each.",
            fields={"skills": list[str]},
        )
        found = dict.fromkeys(one for skill in wanted.skills for one in registry.search(skill, 2))
        candidates = list(found) or registry.last(len(REGISTRY))
        chosen = await leader.ask(
            goal,
            "Candidates:\n" + "\n".join(candidates),
            f"Name the smallest team that can do it, at most {MOST_MEMBERS}, no skill twice.",
            fields={"team": list[str]},
        )
    except ReplyError:
        return ["Hal"]
    team = [name for name in dict.fromkeys(chosen.team) if name in REGISTRY][:MOST_MEMBERS]
    return team or ["Hal"]


async def solve(task: Task) -> object:
    team = Team(task.prompt, await find_team(task.prompt))
    conclusion = await team.run()
    judge = Agent("integrator", "a careful integrator of others' work", temperature=0.1)
    final: Reply = await judge.ask(
        task.prompt,
        f"A team concludes:\n{conclusion}",
        "Answer the question.",
        fields={"thinking": str, "answer": task.answer_type},
    )
    return final.answer
