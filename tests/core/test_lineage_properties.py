"""Whatever a curator does to tracks, in any order, every rule holds, and all of it can be taken back."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from cellsam_desktop.core.document import Document
from cellsam_desktop.core.errors import EditRefused
from cellsam_desktop.core.history import History, changes_of
from tests.core.random_actions import action, attributes, forceable, founding
from tests.core.rules import check_rules, facts

SEQUENCES = 1000
ACTIONS = 4


class Play:
    """A document, its history, and every state there was."""

    def __init__(self, random: Random) -> None:
        self.random, self.document, self.outcomes = random, Document(), Counter()
        self.history = History(self.document)
        self.history.commit("begin", founding(random))
        self.past, self.future = [facts(Document()), facts(self.document)], []
        self.group: object | None = None

    def step(self) -> None:
        """Act, or undo, or redo; some actions join the step before."""
        chance = self.random.random()
        if chance < 0.08 and len(self.past) > 2:
            self.history.undo()
            self.future.append(self.past.pop())
            self.note("undone")
            assert facts(self.document) == self.past[-1]
        elif chance < 0.13 and self.future:
            self.history.redo()
            self.past.append(self.future.pop())
            self.note("redone")
            assert facts(self.document) == self.past[-1]
        else:
            self.act()
        check_rules(self.document)

    def act(self) -> None:
        joins = self.group is not None and self.random.random() < 0.5
        group = self.group if joins else object()
        try:
            self.history.commit("act", action(self.random, self.document), group)
        except EditRefused:
            self.outcomes["refused"] += 1
            assert facts(self.document) == self.past[-1]
            return
        if joins:
            self.past.pop()
        self.past.append(facts(self.document))
        self.future.clear()
        self.note("joined" if joins else "done", group)

    def note(self, outcome: str, group: object | None = None) -> None:
        self.outcomes[outcome] += 1
        self.group = group

    def there_and_back(self) -> None:
        """Undo everything, then redo everything: each state comes back."""
        states = [*self.past, *reversed(self.future)]
        for state in reversed(self.past[:-1]):
            self.history.undo()
            assert facts(self.document) == state
        assert self.history.undo() is None
        for state in states[1:]:
            self.history.redo()
            assert facts(self.document) == state
        assert self.history.redo() is None


def test_rules_hold_after_any_sequence_of_actions():
    random, outcomes = Random(7), Counter()
    for _ in range(SEQUENCES):
        play = Play(random)
        for _ in range(ACTIONS):
            play.step()
        play.there_and_back()
        outcomes += play.outcomes
    assert min(outcomes[kind] for kind in ("done", "joined", "refused")) > SEQUENCES / 4, outcomes
    assert min(outcomes[kind] for kind in ("undone", "redone")) > SEQUENCES / 100, outcomes


def test_what_is_forceable_can_be_forced():
    """Forced, an action does what it would do anyway, or is refused for what force cannot change."""
    outcomes = Counter()
    for seed in range(400):
        outcomes[forced(Random(seed))] += 1
    assert min(outcomes[kind] for kind in ("same", "forced", "impossible")) > 20, outcomes


def forced(random: Random) -> str:
    document = Document()
    history = History(document)
    history.commit("begin", founding(random))
    history.commit("more", attributes(random, document, random.randrange(1, 8)))
    do = forceable(random, document)
    try:
        edits = do(False)
    except EditRefused as refusal:
        if not refusal.forceable:
            with pytest.raises(EditRefused):
                do(True)
            return "impossible"
        return "forced" if allowed(history, do) else "forced in vain"
    assert changes_of("", do(True)) == changes_of("", edits)
    history.commit("as asked", edits)
    check_rules(document)
    return "same"


def allowed(history: History, do) -> bool:
    """Whether the forced action does something, which the document then never refuses."""
    try:
        edits = do(True)
    except EditRefused as refusal:
        assert not refusal.forceable, refusal  # noqa: PT017 - the reason is what is tested
        return False
    history.commit("forced", edits)
    return True
