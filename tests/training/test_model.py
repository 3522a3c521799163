import numpy as np
import pytest
import torch

from cellsam_desktop.sam.torch_encoder import TorchEncoder
from tests.training.small import frames
from training.model import TrainableDecoder, _compare
from training.prompts import ABSENT, PromptBatch

COORDS = torch.tensor([[[200.0, 260.0], [0, 0]], [[640, 200], [0, 0]], [[100, 150], [300, 350]]])
LABELS = torch.tensor([[1, -1], [1, -1], [2, 3]])


@pytest.fixture(scope="module")
def model(weights):
    from cellsam_desktop.sam.architectures import build
    from cellsam_desktop.sam.weights import load_checkpoint

    return build("vit_t", load_checkpoint(weights))


@pytest.fixture(scope="module")
def embedding(weights, tmp_path_factory):
    image = frames(tmp_path_factory.mktemp("image"), 1)[0].image()
    encoder = TorchEncoder(weights, "vit_t", "cpu")
    return torch.from_numpy(np.asarray(encoder.encode(image)))


def official(model, embedding, hints):
    """What segment-anything says."""
    encoder = model.prompt_encoder
    points, boxes = LABELS[:2, 0] == 1, 2
    assert bool(points.all())
    parts = [
        encoder((COORDS[:boxes, :1], LABELS[:boxes, :1]), None, None if hints is None else hints[:boxes]),
        encoder(None, COORDS[boxes:].reshape(1, 4), None if hints is None else hints[boxes:]),
    ]
    sparse, dense = (torch.cat(own) for own in zip(*parts, strict=True))
    return model.mask_decoder.predict_masks(embedding[None], encoder.get_dense_pe(), sparse, dense)


@pytest.mark.parametrize("hinted", [False, True])
def test_masks_and_gradients_are_those_of_segment_anything(model, embedding, hinted):
    decoder = TrainableDecoder(model)
    hints = torch.randn(3, 1, 256, 256, generator=torch.Generator().manual_seed(0)) * 8 if hinted else None
    results = []
    for ask in (
        lambda: official(model, embedding, hints),
        lambda: decoder(decoder.prepare(embedding), PromptBatch(COORDS, LABELS), hints),
    ):
        decoder.zero_grad()
        masks, quality = ask()
        (masks.sigmoid().mean() + quality.square().sum()).backward()
        # The bias of what is compared with the image changes nothing, so ours is not computed with.
        gradients = {
            name: torch.zeros_like(weight) if weight.grad is None else weight.grad.clone()
            for name, weight in model.mask_decoder.named_parameters()
        }
        results.append((masks.detach(), quality.detach(), gradients))
    (masks, quality, gradients), (own_masks, own_quality, own_gradients) = results
    assert (masks - own_masks).abs().max() < 1e-4
    assert (quality - own_quality).abs().max() < 1e-5
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        # Some are sums of large numbers that cancel, so that float32 leaves little of them.
        scale = max(float(gradient.abs().max()), 1e-2 * largest)
        error = float((gradient - own_gradients[name]).abs().max()) / scale
        assert error < 5e-3, (name, error)


def test_products_can_be_taken_back_when_their_factors_were_not_of_16_bits():
    """As on a GPU, where a norm within autocast gives 32 bits."""
    random = torch.Generator().manual_seed(0)
    tokens, image = (torch.randn(2, n, 256, generator=random, requires_grad=True) for n in (3, 5))
    wanted = torch.randn(2, 3, 5, generator=random)
    gradients = torch.autograd.grad((tokens @ image.transpose(1, 2) * wanted).sum(), (tokens, image))
    with torch.autocast("cpu", torch.bfloat16):
        product = _compare(tokens, image)
    assert product.dtype is torch.bfloat16
    assert torch.allclose(product.float(), tokens @ image.transpose(1, 2), rtol=0.02, atol=0.5)
    own = torch.autograd.grad((product * wanted).sum(), (tokens, image))
    for gradient, expected in zip(own, gradients, strict=True):
        assert gradient.dtype is torch.float32
        assert torch.allclose(gradient, expected, rtol=0.02, atol=0.1)


def test_nothing_fills_a_batch_without_changing_it(model, embedding):
    decoder = TrainableDecoder(model)
    alone = PromptBatch(COORDS[:1], LABELS[:1])
    filled = PromptBatch(
        torch.cat([COORDS[:1], torch.full((1, 3, 2), 77.0)], dim=1),
        torch.cat([LABELS[:1], torch.full((1, 3), ABSENT)], dim=1),
    )
    with torch.no_grad():
        prepared = decoder.prepare(embedding)
        for hints in (None, torch.zeros(1, 1, 256, 256)):
            masks, quality = decoder(prepared, alone, hints)
            again, same = decoder(prepared, filled, hints)
            assert (masks - again).abs().max() < 1e-4
            assert (quality - same).abs().max() < 1e-5


def test_some_masks_can_be_asked_for(model, embedding):
    decoder = TrainableDecoder(model)
    prompts = PromptBatch(COORDS, LABELS)
    with torch.no_grad():
        prepared = decoder.prepare(embedding)
        masks, _ = decoder(prepared, prompts)
        first, quality = decoder(prepared, prompts, masks=slice(0, 1))
    assert first.shape == (3, 1, 256, 256)
    assert quality.shape == (3, 4)
    assert (masks[:, :1] - first).abs().max() < 1e-4


def test_gradients_of_several_passes_are_collected(model, embedding):
    decoder = TrainableDecoder(model)
    prompts = PromptBatch(COORDS, LABELS)

    def gradients(apart):
        decoder.zero_grad()
        prepared = decoder.prepare(embedding)
        used = prepared.apart() if apart else prepared
        for _ in range(2):
            masks, _ = decoder(used, prompts)
            torch.autograd.backward(masks.sigmoid().mean(), retain_graph=True)
        if apart:
            prepared.backward(used)
        return {name: w.grad.clone() for name, w in decoder.named_parameters() if w.grad is not None}

    together, apart = gradients(False), gradients(True)
    assert together.keys() == apart.keys()
    for name, gradient in together.items():
        assert torch.allclose(gradient, apart[name], rtol=1e-3, atol=1e-7), name


def test_what_is_exported_has_the_names_of_segment_anything(model):
    state = TrainableDecoder(model).state_for_export()
    parts = ("mask_decoder.", "prompt_encoder.")
    wanted = {name for name in model.state_dict() if name.startswith(parts)}
    assert set(state) == wanted
