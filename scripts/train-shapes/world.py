"""The world: which scenes exist, which are held out, and which query is true of which scene.

A scene is one or two coloured shapes on a plain background. Facts are small integers, kept
in arrays, so that a whole batch of captions is matched against a whole batch of scenes at once.

N = scenes, Q = queries; slot 0 and slot 1 are a scene's objects (slot 1 is -1 if there is one only).
"""

import random
from dataclasses import dataclass, fields

import numpy as np

SHAPES = ["circle", "square", "triangle", "star", "heart", "diamond", "cross", "ring", "crescent", "arrow"]
COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]
SIZES = ["small", "medium", "large"]
BACKGROUNDS = ["white", "black", "gray", "beige", "teal"]
POSITIONS = [
    "top left", "top", "top right",
    "left", "center", "right",
    "bottom left", "bottom", "bottom right",
]  # row-major on a 3 x 3 grid
RELATIONS = ["any", "left of", "above", "right of", "below"]  # of a query's first object to its second
OPPOSITE = [0, 3, 4, 1, 2]  # RELATIONS seen from the second object

NONE = -1
# Arrangement of a scene: two objects stand side by side (slot 0 is left) or stacked (slot 0 is on top).
SINGLE, SIDE_BY_SIDE, STACKED = 0, 1, 2
# How many objects a query asks for. "A red circle" says nothing of a second shape: PREFER_ONE
# counts a pair with a red circle in it neither as right nor as wrong.
ANY, ONE, TWO, PREFER_ONE = 0, 1, 2, 3


@dataclass
class Scenes:
    shape: np.ndarray  # [N, 2]
    color: np.ndarray  # [N, 2]
    size: np.ndarray  # [N, 2]
    background: np.ndarray  # [N]
    position: np.ndarray  # [N], -1 for pairs
    arrangement: np.ndarray  # [N]

    def __len__(self):
        return len(self.background)

    def __getitem__(self, rows):
        return Scenes(*(getattr(self, f.name)[rows] for f in fields(self)))

    def facts(self):
        """All facts as int64 [N, 9]: shape, color, size of either slot, background, position, arrangement."""
        slots = [f[:, slot] for slot in (0, 1) for f in (self.shape, self.color, self.size)]
        return np.stack([*slots, self.background, self.position, self.arrangement], axis=1)

    @staticmethod
    def of(rows):
        """Stack (objects, background, position, arrangement), objects being (shape, color, size)."""
        objects = np.array([list(r[0]) + [(NONE,) * 3] * (2 - len(r[0])) for r in rows])  # [N, 2, 3]
        rest = np.array([r[1:] for r in rows])  # [N, 3]
        return Scenes(*objects.transpose(2, 0, 1), *rest.T)


@dataclass
class Query:
    """What a caption claims; -1 where it claims nothing. `objects` holds (shape, color, size)."""

    count: int
    objects: tuple
    background: int = NONE
    position: int = NONE
    relation: int = 0


def match(queries, scenes):
    """Which queries are true of which scenes.

    Returns (true, undecided), both bool [Q, N]; the rest is false.
    """
    slots = np.full((len(queries), 2, 3), NONE)
    for q, query in enumerate(queries):
        for slot, claimed in enumerate(query.objects):
            slots[q, slot] = claimed
    described = np.array([len(q.objects) for q in queries])[:, None]  # [Q, 1]
    count, background, position, relation = np.array(
        [(q.count, q.background, q.position, q.relation) for q in queries]
    ).T[:, :, None]  # each [Q, 1]
    facts = np.stack([scenes.shape, scenes.color, scenes.size], axis=-1)  # [N, 2, 3]
    two = (scenes.arrangement != SINGLE)[None]  # [1, N]

    def fits(q, s):
        claimed = slots[:, None, q]  # [Q, 1, 3]
        return ((claimed == NONE) | (claimed == facts[None, :, s])).all(-1)  # [Q, N]

    straight = (relation == 0) | (relation == scenes.arrangement[None])
    swapped = (relation == 0) | (relation == scenes.arrangement[None] + 2)
    one_object = fits(0, 0) | (two & fits(0, 1))
    two_objects = two & ((straight & fits(0, 0) & fits(1, 1)) | (swapped & fits(0, 1) & fits(1, 0)))
    holds = np.where(described == 2, two_objects, np.where(described == 1, one_object, True))
    holds &= (background == NONE) | (background == scenes.background[None])
    holds &= (position == NONE) | (position == scenes.position[None])
    undecided = holds & (count == PREFER_ONE) & two
    holds &= np.where(count == ONE, ~two, np.where(count == TWO, two, True))
    return holds & ~undecided, undecided


class Split:
    """Combinations that training never sees, drawn once from the seed.

    `test_pairs` and `validation_pairs`: (shape, color) of one object, 15 % and 5 % of all.
    `test_places`: (shape, size, position) of a lone object, 10 % of all.
    """

    def __init__(self, seed):
        rng = random.Random(seed)
        columns = list(range(len(COLORS)))
        rng.shuffle(columns)
        # Along diagonals, so that each shape and each colour loses two combinations at most.
        diagonal = lambda k: [(s, columns[(s + k) % len(COLORS)]) for s in range(len(SHAPES))]
        second = diagonal(3)
        rng.shuffle(second)
        self.test_pairs = set(diagonal(0) + second[:5])
        self.validation_pairs = set(second[5:])
        places = [(s, z, p) for s in range(len(SHAPES)) for z in range(len(SIZES)) for p in range(len(POSITIONS))]
        self.test_places = set(rng.sample(places, len(places) // 10))

    def is_training(self, objects, position):
        pairs = {(s, c) for s, c, _ in objects}
        place = (objects[0][0], objects[0][2], position)
        return not (pairs & (self.test_pairs | self.validation_pairs)) and place not in self.test_places

    def is_test(self, objects, position):
        """Held out in its colours or its place, and nothing of the validation set in it."""
        pairs = {(s, c) for s, c, _ in objects}
        place = (objects[0][0], objects[0][2], position)
        return not (pairs & self.validation_pairs) and bool(pairs & self.test_pairs or place in self.test_places)

    def is_validation(self, objects, position):
        pairs = {(s, c) for s, c, _ in objects}
        place = (objects[0][0], objects[0][2], position)
        return bool(pairs & self.validation_pairs) and not pairs & self.test_pairs and place not in self.test_places


def _object(rng):
    return (rng.randrange(len(SHAPES)), rng.randrange(len(COLORS)), rng.randrange(len(SIZES)))


def _visible(objects, background):
    return all(COLORS[color] != BACKGROUNDS[background] for _, color, _ in objects)


def sample_scene(rng, accept, pairs=0.4):
    """One scene (objects, background, position, arrangement) for which `accept(objects, position)` holds."""
    while True:
        background = rng.randrange(len(BACKGROUNDS))
        if rng.random() >= pairs:
            objects, position, arrangement = [_object(rng)], rng.randrange(len(POSITIONS)), SINGLE
        else:
            first, second = _object(rng), _object(rng)
            alike = rng.random()  # two circles, or two red shapes, would else be rare
            if alike < 0.15:
                second = (first[0], *second[1:])
            elif alike < 0.3:
                second = (second[0], first[1], second[2])
            if first[:2] == second[:2]:
                continue
            objects, position, arrangement = [first, second], NONE, rng.choice([SIDE_BY_SIDE, STACKED])
        if _visible(objects, background) and accept(objects, position):
            return objects, background, position, arrangement


def sample_variant(rng, scene, accept):
    """`scene` with one fact changed: a hard negative for its captions."""
    for _ in range(20):
        objects, background, position, arrangement = scene
        objects = list(objects)
        fact = rng.randrange(6)
        if fact < 3:
            slot = rng.randrange(len(objects))
            changed = list(objects[slot])
            changed[fact] = _object(rng)[fact]
            objects[slot] = tuple(changed)
        elif fact == 3:
            background = rng.randrange(len(BACKGROUNDS))
        elif arrangement == SINGLE:
            position = rng.randrange(len(POSITIONS))
        elif fact == 4:
            objects.reverse()  # the same shapes the other way round
        else:
            # Colours change places, the commonest mistake of CLIP models.
            (a, b, c), (d, e, f) = objects
            objects = [(a, e, c), (d, b, f)]
        variant = (objects, background, position, arrangement)
        distinct = len(objects) == 1 or objects[0][:2] != objects[1][:2]
        if variant != scene and distinct and _visible(objects, background) and accept(objects, position):
            return variant
    return sample_scene(rng, accept)
