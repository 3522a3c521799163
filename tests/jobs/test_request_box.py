from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellsam_desktop.jobs.request_box import RequestBox, Ticket

# What may happen, in any order: requests come, the thread takes one and answers it in parts, the main thread
# delivers.
EVENTS = st.lists(st.sampled_from(["click", "hover", "begin", "part", "finish", "deliver"]), max_size=60)


class Rig:
    """A thread and a main thread, one step at a time."""

    def __init__(self) -> None:
        self.box: RequestBox[int] = RequestBox()
        self.submitted: list[tuple[int, bool]] = []
        self.begun: list[int] = []
        self.at_work: Ticket[int] | None = None
        self.answered: set[int] = set()
        self.posted: list[tuple[Ticket[int], bool]] = []
        self.delivered: list[Ticket[int]] = []
        self.late = 0

    def step(self, event: str) -> None:
        if event in ("click", "hover"):
            self.submitted.append((len(self.submitted), event == "hover"))
            self.box.put(self.submitted[-1][0], hover=event == "hover")
        elif event == "begin" and self.at_work is None:
            self.at_work = self.box.take()
            if self.at_work is not None:
                self.begun.append(self.at_work.request)
        elif event in ("part", "finish") and self.at_work is not None:
            self.answer(self.at_work, whole=event == "finish")
        elif event == "deliver" and self.posted:
            ticket, first = self.posted.pop(0)
            stale = self.box.is_stale(ticket)
            self.late += stale and first
            if not stale:
                self.delivered.append(ticket)

    def answer(self, ticket: Ticket[int], *, whole: bool) -> None:
        """Answer the first look, or the next ones if that is still worth it."""
        first = ticket.number not in self.answered
        if not first and self.box.is_overtaken(ticket):
            self.at_work = None
            return
        self.answered.add(ticket.number)
        self.box.answered(ticket)
        self.posted.append((ticket, first))
        if whole:
            self.at_work = None

    def drain(self) -> None:
        while not self.box.empty or self.at_work is not None or self.posted:
            for event in ("begin", "finish", "deliver"):
                self.step(event)


@given(EVENTS)
def test_the_newest_click_and_a_hover_after_it_are_always_answered(events):
    rig = Rig()
    for event in events:
        rig.step(event)
    rig.drain()
    answered = [ticket.request for ticket in rig.delivered]
    clicks = [number for number, hover in rig.submitted if not hover]
    if clicks:
        assert clicks[-1] in answered
    if rig.submitted and rig.submitted[-1][1]:
        assert rig.submitted[-1][0] in answered


@given(EVENTS)
def test_answers_come_in_order_and_never_after_a_newer_click_was_asked(events):
    rig = Rig()
    for event in events:
        before = len(rig.delivered)
        rig.step(event)
        for ticket in rig.delivered[before:]:
            clicks = [number for number, hover in rig.submitted if not hover]
            assert not clicks or ticket.request >= clicks[-1]
    rig.drain()
    answered = [ticket.request for ticket in rig.delivered]
    assert answered == sorted(answered)


@given(EVENTS)
def test_every_request_is_answered_dropped_or_late(events):
    rig = Rig()
    for event in events:
        rig.step(event)
    rig.drain()
    delivered = {ticket.number for ticket in rig.delivered}
    assert len(delivered) + rig.box.dropped + rig.late == len(rig.submitted)
    assert len(rig.begun) + rig.box.dropped == len(rig.submitted)


@given(st.integers(1, 20))
def test_a_burst_of_hovers_costs_one_decode_and_keeps_the_click(hovers):
    rig = Rig()
    rig.step("click")
    for _ in range(hovers):
        rig.step("hover")
    rig.drain()
    assert [ticket.request for ticket in rig.delivered] == [0, hovers]
    assert rig.box.dropped == hovers - 1


def test_a_mask_follows_a_mouse_that_never_rests():
    rig = Rig()
    rig.step("hover")
    for _ in range(10):
        for event in ("begin", "hover", "finish", "deliver"):
            rig.step(event)
    assert len(rig.delivered) == 10


def test_a_hover_answer_is_late_when_a_newer_one_is_there_already():
    rig = Rig()
    for event in ("hover", "begin", "hover", "finish", "begin", "finish", "deliver", "deliver"):
        rig.step(event)
    assert [ticket.request for ticket in rig.delivered] == [1]


def test_a_newer_hover_ends_a_hover_between_two_looks_and_never_a_click():
    rig = Rig()
    for event in ("hover", "begin", "part", "deliver", "hover", "part"):
        rig.step(event)
    assert rig.at_work is None
    rig.drain()
    assert [ticket.request for ticket in rig.delivered] == [0, 1]
    for event in ("click", "begin", "part", "hover", "part", "finish", "begin", "finish"):
        rig.step(event)
    rig.drain()
    assert [ticket.request for ticket in rig.delivered] == [0, 1, 2, 2, 2, 3]


def test_a_click_ends_everything_older():
    rig = Rig()
    for event in ("click", "begin", "part", "deliver", "click", "part"):
        rig.step(event)
    assert rig.at_work is None
    rig.drain()
    assert [ticket.request for ticket in rig.delivered] == [0, 1]
