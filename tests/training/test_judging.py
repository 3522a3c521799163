from cellsam_desktop.sam.decoder import OnnxDecoder
from cellsam_desktop.sam.export import ensure_decoder
from tests.training.small import MadeEmbeddings, frames
from training import judging
from training.judging import Judge


class Counting(MadeEmbeddings):
    """Which views were wanted beforehand."""

    def __init__(self):
        self.wanted = []

    def ensure(self, views, progress):
        self.wanted += views


def test_only_frames_with_cells_that_are_asked_about_are_encoded(base, tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "_FEWEST_CELLS", 2)
    monkeypatch.setattr(judging, "_FEWEST_CLOSER", 1)
    embeddings = Counting()
    judge = Judge(frames(tmp_path, 4), embeddings, minutes=0.1)
    files = ensure_decoder(base.checkpoint, base.architecture, tmp_path / "decoders")
    found = judge.findings(OnnxDecoder(files.onnx), lambda *_: None, lambda *_: None)
    assert embeddings.wanted == [judge.views[0], judge.views[-1]]
    assert {course.view for course in found.whole.courses} == {0, 3}
