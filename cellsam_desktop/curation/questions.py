"""From prompts to a question for the decoder: which looks to ask, and what is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cellsam_desktop.analysis.knowledge import NOTHING
from cellsam_desktop.core.geometry import Region
from cellsam_desktop.core.prompts import Point, Prompts
from cellsam_desktop.curation.draft import Step
from cellsam_desktop.jobs.decode_request import DecodeRequest, EncodedLook
from cellsam_desktop.sam.crops import looks_covering, looks_for
from cellsam_desktop.sam.transforms import InputGeometry

if TYPE_CHECKING:
    from cellsam_desktop.curation.session import Session


# So many diameters around a place are worth looking at before anybody points there.
_REACH = 16


class Questions:
    """Asks about the plane on screen. In the reference mode the model sees whole planes only."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set_reference_mode(self, on: bool) -> None:
        """Ask as the reference does from now on (whole planes, candidates by predicted IoU), or not."""
        self._session.settings.reference_mode = on
        self._session.agenda.renew()
        self._session.prompting.ask_anew()

    @property
    def view(self) -> Region | None:
        """The part of the plane that is on screen, None for all of it."""
        movie, seen = self._session.movie, self._session.view.viewport
        if movie is None or seen is None:
            return None
        x0, y0, x1, y1 = seen
        top, left = math.floor(y0 + 0.5), math.floor(x0 + 0.5)
        part = Region(top, left, math.ceil(y1 + 0.5) - top, math.ceil(x1 + 0.5) - left)
        return part.intersect(movie.frame_region)

    @property
    def main(self) -> Region | None:
        """The look that answers most clicks: the whole plane, or of a very large one the part on screen."""
        movie = self._session.movie
        if movie is None:
            return None
        whole, part = movie.frame_region, self.view or movie.frame_region
        if self._session.settings.reference_mode:
            return whole
        middle = Point(part.x0 + part.width / 2, part.y0 + part.height / 2)
        return looks_for(whole, Prompts((middle,)), None)[0]

    def wanted(self, step: Step) -> tuple[Region, ...]:
        """The regions to look at for the prompts of ``step``, whether encoded or not; the best first."""
        movie = self._session.movie
        if movie is None or step.prompts.empty:
            return ()
        if self._session.settings.reference_mode:
            return (movie.frame_region,)
        if step.region is not None:
            return (step.region,)
        return looks_for(movie.frame_region, step.prompts, self._session.memory.diameter, self.view)

    def covering(self, x: float | None = None, y: float | None = None) -> tuple[Region, ...]:
        """The regions that clicks on what is on screen would need first, from (x, y) or its middle outwards.

        Of a large plane seen from afar only those around that place.
        """
        movie, diameter = self._session.movie, self._session.memory.diameter
        if movie is None:
            return ()
        whole = movie.frame_region
        if self._session.settings.reference_mode or diameter is None:
            return looks_covering(whole, self.view or whole, None)
        part = self.view or whole
        x = part.x0 + part.width / 2 if x is None else x
        y = part.y0 + part.height / 2 if y is None else y
        reach = round(_REACH * diameter)
        around = Region(round(y) - reach, round(x) - reach, 2 * reach, 2 * reach).intersect(part)
        return looks_covering(whole, around or part, diameter)

    def encoded(self, step: Step, wanted: tuple[Region, ...]) -> tuple[EncodedLook, ...]:
        """Those of the ``wanted`` looks that can be asked now; the main one when none of them can."""
        looks, main = self._with_keys(wanted), self.main
        if looks or not wanted or step.region is not None or main is None or not step.lies_in(main):
            return looks
        return self._with_keys((main,))

    def request(
        self, step: Step, looks: tuple[EncodedLook, ...], target: int | None, *, hover: bool, token: object
    ) -> DecodeRequest | None:
        """The question, or None while there is no decoder or nothing to ask it about."""
        if not looks or self._session.encoding.decoder_path is None:
            return None
        if self._session.settings.reference_mode:
            return DecodeRequest(looks, step.prompts, step.hint, hover, NOTHING, "predicted-iou", token)
        knowledge = self._session.memory.knowledge(step.prompts, target)
        return DecodeRequest(looks, step.prompts, step.hint, hover, knowledge, "ranked", token)

    def _with_keys(self, regions: tuple[Region, ...]) -> tuple[EncodedLook, ...]:
        encoding, index = self._session.encoding, self._session.view.index
        keys = ((region, encoding.key(index, region)) for region in regions)
        return tuple(EncodedLook(key, InputGeometry(region)) for region, key in keys if key is not None)
