"""The sample movie: a simulated C. elegans embryo with known truth, made by the program itself."""

from cellsam_desktop.images.sample.providing import provide_sample
from cellsam_desktop.images.sample.writing import SampleMovie, write_sample

__all__ = ["SampleMovie", "provide_sample", "write_sample"]
