"""What ImageNet's classifier recognises, held against what is heard."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.data import ImageNetInfo

from avsac.live.data import BatchSource, DataConfig, exchange
from avsac.live.kinds import KINDS
from avsac.live.library import SOUNDS_OF, Library
from avsac.live.media import COCO_NAMES, COCO_OTHERS
from avsac.live.reels import MomentReel
from avsac.live.roles import Moment
from avsac.live.segmenter import TorchSegmenter
from avsac.live.studio import Studio
from avsac.live.train import OF_PEOPLE, TAUGHT, TRUTH_BESIDE, Learner, LiveConfig, answers
from avsac.model.avsac import AVSAC
from avsac.model.backbones import imagenet_state_dict
from avsac.model.close_up import reduced as reduced_picture
from avsac.model.config import LIVE, ModelConfig
from avsac.model.motion import EARLIER_MS
from avsac.model.recognition import CLASSES, LOGIT_SCALE, RECOGNISED, SEEN, SILENT, SILENT_TABLE, TABLE

from .reduced import reduced
from .test_scene_builder import small_media  # noqa: F401
from .test_studio import small_things  # noqa: F401

STILL = replace(LIVE, motion=False, recognition_scale=1)


@pytest.fixture(scope="module")
def model() -> AVSAC:
    torch.manual_seed(0)
    return AVSAC(STILL).eval()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(0, 256, (2, 192, 192, 3), dtype=torch.uint8)


@pytest.fixture
def close_up() -> torch.Tensor:
    return torch.randint(0, 256, (2, 384, 384, 3), dtype=torch.uint8)


def test_a_picture_is_the_mean_of_its_close_ups_pixels() -> None:
    close_up = torch.tensor([[0, 1, 10, 20], [2, 4, 30, 41]], dtype=torch.uint8)
    assert reduced_picture(close_up[None, :, :, None], 2).flatten().tolist() == [2, 25]
    assert reduced_picture(close_up[None, None], 2, rows=2).flatten().tolist() == [2, 25]


def test_the_table_names_imagenets_classes_and_knows_every_photographed_kind() -> None:
    info = ImageNetInfo()
    for row in (*TABLE.values(), *SILENT_TABLE.values()):
        for index, name in row.items():
            assert info.index_to_description(int(index)).split(",")[0] == name
    assert set(RECOGNISED) == {*KINDS}
    photographed = {name for name, kind in KINDS.items() if kind.photographed} | set(SOUNDS_OF.values())
    assert photographed - set(CLASSES) == {"scissors"}  # ImageNet has none
    assert set(SILENT) == set(COCO_OTHERS.values())
    assert not set(SILENT) & {*RECOGNISED, *COCO_NAMES.values()}


@torch.no_grad()
def test_a_look_is_the_likeliest_class_of_a_kind_where_timms_classifier_is_asked(model: AVSAC, image) -> None:
    whole = timm.create_model("tf_efficientnet_lite0")
    whole.load_state_dict(imagenet_state_dict())
    features = whole.eval().forward_features((image.permute(0, 3, 1, 2).float() - 127) / 128)
    logits = whole.classifier(features.flatten(2).transpose(1, 2))
    best = torch.stack([logits[..., CLASSES[kind]].amax(-1) for kind in CLASSES], -1)
    expected = (best - best.mean(-1, keepdim=True)) / LOGIT_SCALE
    looks = model.recognition.look(model.backbone_maps(image)[-1])
    torch.testing.assert_close(looks[..., : len(CLASSES)], expected, atol=0.01, rtol=0)
    assert not looks[..., len(CLASSES) :].any()  # of what ImageNet has no class, nothing is known yet


@torch.no_grad()
def test_weights_without_recognition_give_the_same_masks_with_it(model: AVSAC, image) -> None:
    plain, mel = AVSAC(replace(STILL, recognition=False)).eval(), torch.randn(2, 1, 96, 64)
    fresh = AVSAC(STILL).eval()
    fresh.load_state_dict(fresh.state_dict() | plain.state_dict())
    assert torch.equal(fresh(image, mel), plain(image, mel))


@torch.no_grad()
def test_the_evidence_is_the_look_of_the_kind_that_is_heard(model: AVSAC) -> None:
    recognition, embedding = model.recognition, torch.zeros(1, LIVE.audio_width)
    looks = torch.zeros(1, 36, len(RECOGNISED))
    looks[0, 7, RECOGNISED.index("cat")] = looks[0, 20, RECOGNISED.index("violin")] = 2.0
    taken: list[torch.Tensor] = []
    handle = recognition.embed.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    before = recognition.hear.bias.clone()
    try:
        for kind, place in (("cat", 7), ("violin", 20)):
            recognition.hear.bias.fill_(-30.0)[RECOGNISED.index(kind)] = 30.0
            recognition(looks, embedding)
            evidence = taken[-1][0, :, 0]
            assert evidence.argmax() == place
            assert evidence.max() == pytest.approx(2.0, abs=1e-3)
            assert evidence.sum() == pytest.approx(2.0, abs=1e-3)
    finally:
        handle.remove()
        recognition.hear.bias.copy_(before)


@torch.no_grad()
def test_evidence_of_a_kind_that_is_heard_raises_the_logits_where_it_lies_and_everywhere(model: AVSAC) -> None:
    recognition = copy.deepcopy(model.recognition)
    looks = torch.zeros(1, 36, len(RECOGNISED))
    looks[0, 7, RECOGNISED.index("cat")], looks[0, 20, RECOGNISED.index("cat")] = 9.0, -1.0
    recognition.hear.weight.zero_()
    recognition.hear.bias.fill_(-30.0)[RECOGNISED.index("cat")] = 30.0
    heard, embedding = recognition.hear.bias.clone(), torch.zeros(1, LIVE.audio_width)
    assert recognition(looks, embedding)[2].max() < 1e-6
    recognition.lift.copy_(torch.tensor((0.5, 0.25)))
    gain = torch.full((1, 36), 0.25 * SEEN)
    gain[0, 7] += 0.5 * SEEN
    torch.testing.assert_close(recognition(looks, embedding)[2], gain)
    recognition.hear.bias.copy_(heard.roll(1))  # another kind, which is not in view
    assert recognition(looks, embedding)[2].max() < 1e-6


@torch.no_grad()
def test_logits_gain_what_recognition_says(image) -> None:
    model, mel = AVSAC(STILL).eval(), torch.randn(2, 1, 96, 64)
    before = model(image, mel)
    model.recognition.lift.copy_(torch.tensor((0.0, 0.4)))
    gain = model.recognition(model.encode_image(image).looks, model.audio_encoder(mel))[2]
    assert gain.amin() > 0
    torch.testing.assert_close(model(image, mel) - before, gain[:, :1, None, None].expand(-1, -1, 192, 192), atol=1e-5, rtol=0)


@torch.no_grad()
def test_an_exchange_lets_one_kinds_look_stand_for_anothers(model: AVSAC, image) -> None:
    a, b = RECOGNISED.index("cat"), RECOGNISED.index("violin")
    places = torch.from_numpy(np.stack([exchange({}), exchange({"violin": "cat"})]))
    usual, exchanged = model.encode_image(image), model.encode_image(image, exchanged=places)
    assert torch.equal(usual.looks[0], exchanged.looks[0])
    for there, here in ((a, b), (b, a)):
        torch.testing.assert_close(usual.looks[1, :, there], exchanged.looks[1, :, here])
    assert torch.equal(usual.tokens, exchanged.tokens)


@torch.no_grad()
def test_what_recognition_is_told_adds_to_what_it_sees(model: AVSAC, image) -> None:
    coarsest, told = model.backbone_maps(image)[-1], torch.zeros(2, len(RECOGNISED), 6, 6)
    told[1, 3, 2, 5] = 1.5
    as_seen = torch.from_numpy(np.stack([exchange({})] * 2))
    gained = model.recognition.look(coarsest, as_seen, told) - model.recognition.look(coarsest, as_seen)
    expected = torch.zeros(2, 36, len(RECOGNISED))
    expected[1, 2 * 6 + 5, 3] = 1.5
    torch.testing.assert_close(gained, expected)
    torch.testing.assert_close(model.recognition.look(coarsest, told=told) - model.recognition.look(coarsest), expected)


@pytest.fixture
def closer(model: AVSAC) -> AVSAC:
    closer = AVSAC(replace(STILL, recognition_scale=2)).eval()
    closer.load_state_dict(model.state_dict())
    return closer


@torch.no_grad()
def test_with_a_scale_recognition_sees_close_ups_too_and_all_else_does_not(model: AVSAC, closer: AVSAC, close_up) -> None:
    image = reduced_picture(close_up, 2)
    usual, looked = model.encode_image(image), closer.look_closer(close_up)
    positions = model.recognition.look(model.backbone_maps(close_up)[-1]).unflatten(1, (6, 2, 6, 2))
    torch.testing.assert_close(looked, positions.amax((2, 4)).flatten(1, 2))
    assert (looked - usual.looks).abs().max() > 0.1
    seen = closer.encode_image(image, closer=looked)
    assert torch.equal(seen.tokens, usual.tokens)
    torch.testing.assert_close(seen.looks, (usual.looks + looked) / 2)
    assert torch.equal(closer.encode_image(image, closer=torch.full_like(looked, torch.nan)).looks, usual.looks)
    mel = torch.randn(2, 1, 96, 64)
    closer.recognition.lift.copy_(torch.tensor((0.0, 0.4)))
    assert not torch.equal(closer(image, mel, closer=looked), closer(image, mel))
    with pytest.raises(ValueError, match=r"close-ups of this model are \[B,384,384,3\], not \[2, 192, 192, 3\]: resize"):
        closer.look_closer(image)


@torch.no_grad()
def test_what_is_told_of_a_close_up_is_told_of_the_positions_that_it_covers(closer: AVSAC, close_up) -> None:
    image, told = reduced_picture(close_up, 2), torch.zeros(2, len(RECOGNISED), 12, 12)
    told[1, 3, 5, 10] = 1.5
    expected = torch.zeros(2, 36, len(RECOGNISED))
    expected[1, 2 * 6 + 5, 3] = 1.5
    looked = closer.look_closer(close_up)
    gained = closer.encode_image(image, told=told, closer=looked).looks - closer.encode_image(image, closer=looked).looks
    torch.testing.assert_close(gained, expected)


@torch.no_grad()
def test_training_and_evaluation_see_pictures_that_are_close_ups(
    model: AVSAC,
    closer: AVSAC,
    small_media: Path,  # noqa: F811
) -> None:
    source = BatchSource(DataConfig(small_media, None, pictures=2, side=384))
    batch = source.batch().tensors()
    image, told = reduced_picture(batch.image, 2), batch.told
    looked = closer.look_closer(batch.image, batch.exchanged)
    seen = closer.encode_image(image, exchanged=batch.exchanged, told=told, closer=looked).repeat(3)
    torch.testing.assert_close(answers(closer, batch).logits, closer.decode(seen, batch.mel).logits)
    # A teacher of pictures alone sees the same in fewer pixels.
    usual = model.encode_image(image, exchanged=batch.exchanged, told=told).repeat(3)
    torch.testing.assert_close(answers(model, batch).logits, model.decode(usual, batch.mel).logits)

    segmenter, mel = TorchSegmenter(closer), batch.mel[:2]
    assert (segmenter.side, segmenter.mask_side) == (384, 192)
    expected = closer.decode(closer.encode_image(image, closer=closer.look_closer(batch.image)), mel).logits
    found = segmenter.logits(batch.image.numpy(), batch.earlier.numpy(), mel.numpy(), [1, 1])
    torch.testing.assert_close(found, expected)


@torch.no_grad()
def test_a_silent_thing_is_looked_at_in_an_exchange(model: AVSAC, image) -> None:
    whole = timm.create_model("tf_efficientnet_lite0")
    whole.load_state_dict(imagenet_state_dict())
    features = whole.eval().forward_features((image.permute(0, 3, 1, 2).float() - 127) / 128)
    pizza = whole.classifier(features.flatten(2).transpose(1, 2))[..., SILENT["pizza"]].amax(-1)
    violin, coarsest = RECOGNISED.index("violin"), model.backbone_maps(image)[-1]
    usual = model.recognition.look(coarsest)
    looks = model.recognition.look(coarsest, torch.from_numpy(np.stack([exchange({"violin": "pizza"})] * 2)))
    others = [i for i in range(len(RECOGNISED)) if i != violin]
    differences = (looks - usual)[..., others]
    torch.testing.assert_close(differences, differences[..., :1].expand_as(differences))
    lion = RECOGNISED.index("lion")
    lions = whole.classifier(features.flatten(2).transpose(1, 2))[..., CLASSES["lion"]].amax(-1)
    torch.testing.assert_close(looks[..., violin] - looks[..., lion], (pizza - lions) / LOGIT_SCALE, atol=0.01, rtol=0)


def test_training_lends_sounds_to_photographed_things_that_have_none(small_media: Path, small_things: Path) -> None:  # noqa: F811
    library = Library(small_media, "train", small_things)
    assert {standing.thing for standing in library.mute} == {"cup"}
    lent = 0
    for index in range(12):
        sample = Studio(library, 64).sample(index, "thing")
        if "cup" in sample.looks.values():
            [sound] = [sound for sound, look in sample.looks.items() if look == "cup"]
            assert sound in RECOGNISED
            lent += [sound] in sample.sounds
    assert lent
    for part in ("val", "test"):
        assert Library(small_media, part, small_things).mute == []


def test_photographed_things_exchange_sounds_in_training_alone(small_media: Path, small_things: Path) -> None:  # noqa: F811
    exchanged = 0
    for seed in range(12):
        moment = Moment(Library(small_media, "train", small_things), MomentReel(np.random.default_rng(seed), (0, *EARLIER_MS)))
        roles = moment.things(1)
        looks, mute = [role.looks for role in roles], [role.kind is None for role in roles]
        moment.exchange_sounds(roles)
        assert [role.looks for role in roles] == looks
        for role, had_none in zip(roles, mute, strict=True):
            exchanged += role.kind != role.looks and not had_none
            assert role.kind in moment.library.sounds
            assert role.voice().shape == (15_600,)
    assert 0 < exchanged < 12
    val = Studio(Library(small_media, "val", small_things), 64)
    assert [val.sample(index, "thing").looks for index in range(12)] == [{}] * 12


def test_training_teaches_what_is_heard(small_media: Path) -> None:  # noqa: F811
    torch.manual_seed(0)
    source = BatchSource(DataConfig(small_media, None, pictures=2, side=64))
    learner = Learner(reduced_with_recognition(), list(source.index), LiveConfig(length=1)).train()
    losses = learner(source.batch().tensors())
    assert 0 < losses["heard"].item() < 20
    losses["heard"].backward()
    assert learner.model.recognition.hear.weight.grad.abs().sum() > 0


def test_where_recognition_is_told_or_speech_rests_the_truth_takes_the_teachers_place(small_media: Path) -> None:  # noqa: F811
    torch.manual_seed(0)
    source = BatchSource(DataConfig(small_media, None, pictures=2, side=64))
    learner = Learner(reduced_with_recognition(), list(source.index), LiveConfig(length=1)).eval()
    batch = source.batch().tensors()
    with torch.no_grad():
        batch = batch._replace(taught=answers(learner.model, batch))
        nobody = torch.zeros_like(batch.resting)
        batch = batch._replace(resting=nobody, of_people=nobody)
        told, seen = (learner(batch._replace(told=torch.full_like(batch.told, gain))) for gain in (1.0, 0.0))
        batch = batch._replace(told=batch.told * 0)
        resting, people = (learner(batch._replace(**{name: ~nobody})) for name in ("resting", "of_people"))
    assert told["teacher"] == resting["teacher"] == 0 < seen["teacher"]
    torch.testing.assert_close(resting["segmentation"] / seen["segmentation"], torch.tensor(TAUGHT / TRUTH_BESIDE))
    torch.testing.assert_close(told["segmentation"] / seen["segmentation"], torch.tensor(TAUGHT / TRUTH_BESIDE))
    torch.testing.assert_close(people["segmentation"] / seen["segmentation"], torch.tensor(OF_PEOPLE / TRUTH_BESIDE))
    torch.testing.assert_close(people["teacher"] / seen["teacher"], torch.tensor(OF_PEOPLE / TAUGHT))
    assert "sound" not in seen  # ears come from the teacher


def reduced_with_recognition() -> ModelConfig:
    return replace(reduced("live"), motion=False, recognition_scale=1)


def test_recognition_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="recognition takes the backbone efficientnet-lite0, not tiny"):
        replace(LIVE, backbone="tiny")
    with pytest.raises(ValueError, match="recognition_scale 2 is of a model with recognition"):
        replace(LIVE, recognition=False, recognition_scale=2)
    with pytest.raises(ValueError, match="recognition_scale 0 is less than 1"):
        replace(LIVE, recognition_scale=0)
