"""The held-out evaluation: pictures and phrasings that training never saw, and the figures measured on them.

N = pictures, K = classes, E = embedding
"""

import random

import numpy as np

import captions
from world import COLORS, NONE, SHAPES, Query, Scenes, match, sample_scene

SINGLES, PAIRS = 240, 120


def held_out_scenes(split):
    """360 distinct scenes, each with a held-out combination in it: first the single objects, then the pairs."""
    rng, scenes = random.Random("held out"), []
    while len(scenes) < SINGLES + PAIRS:
        scene = sample_scene(rng, split.is_test, pairs=float(len(scenes) >= SINGLES))
        if scene not in scenes:
            scenes.append(scene)
    return scenes


def retrieval_texts(scenes):
    rng = random.Random("held-out phrasings")
    return [captions.describe(rng, scene, captions.HELD_OUT, complete=True)[0] for scene in scenes]


def zero_shot_sets(scenes, split):
    """Pictures of one object whose (shape, color) never occurred together in training."""
    images = [i for i, s in enumerate(scenes) if len(s[0]) == 1 and s[0][0][:2] in split.test_pairs]
    sets = {}
    for name, classes, fact in [("shape", SHAPES, 0), ("color", COLORS, 1)]:
        labels = [scenes[i][0][0][fact] for i in images]
        sets[name] = {"classes": classes, "templates": captions.HELD_OUT_ZERO_SHOT[name], "images": images, "labels": labels}
    return sets


def normalize(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def recall(encode, texts, targets, images, k):
    """Share of texts whose own picture is among the k nearest of all. `images` [N, E], unit length."""
    scores = normalize(encode(texts)) @ images.T  # [Q, N]
    own = scores[np.arange(len(texts)), targets]
    return (scores > own[:, None]).sum(axis=1) < k  # [Q]


def zero_shot_accuracy(encode, task, images):
    """CLIP's recipe: unit vectors, mean over templates, unit length again."""
    heads = [normalize(normalize(encode([t.format(c) for t in task["templates"]])).mean(axis=0)) for c in task["classes"]]
    predicted = (images[task["images"]] @ np.stack(heads).T).argmax(axis=1)  # [N, K] -> [N]
    return float((predicted == np.array(task["labels"])).mean())


def short_queries(scenes):
    """Queries as people type them, and the indices of the gallery's pictures of which they are true."""
    queries = [(f"a {COLORS[c]} {SHAPES[s]}", Query(0, ((s, c, NONE),))) for s in range(len(SHAPES)) for c in range(len(COLORS))]
    queries += [(name, Query(0, ((s, NONE, NONE),))) for s, name in enumerate(SHAPES)]
    queries += [(f"something {name}", Query(0, ((NONE, c, NONE),))) for c, name in enumerate(COLORS)]
    queries += [("two shapes", Query(2, ())), ("a single shape", Query(1, ()))]
    true, _ = match([q for _, q in queries], Scenes.of(scenes))
    return [{"text": text, "images": np.flatnonzero(row).tolist()} for (text, _), row in zip(queries, true)]


def first_hits(encode, queries, images):
    """Share of queries whose nearest picture is a right one."""
    nearest = (normalize(encode([q["text"] for q in queries])) @ images.T).argmax(axis=1)
    return float(np.mean([n in q["images"] for n, q in zip(nearest, queries)]))
