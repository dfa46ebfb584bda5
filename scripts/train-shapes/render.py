"""Draws scenes: signed distance functions, turned into anti-aliased coverage. No image files, no fonts.

N = objects of one kind, R = resolution in pixels. A distance function takes x, y [N, R, R] in units
of the object's radius (y up) and is negative inside; only its values near the outline matter.
"""

import numpy as np

from world import BACKGROUNDS, COLORS, NONE, SHAPES, SIDE_BY_SIDE, SINGLE

COLOR_RGB = {
    "red": (220, 35, 40), "orange": (245, 135, 25), "yellow": (245, 215, 45), "green": (45, 160, 65),
    "blue": (40, 80, 215), "purple": (130, 50, 165), "pink": (245, 130, 180), "brown": (120, 72, 35),
    "black": (18, 18, 20), "white": (250, 250, 250),
}
BACKGROUND_RGB = {
    "white": (250, 250, 250), "black": (18, 18, 20), "gray": (128, 128, 130),
    "beige": (232, 216, 178), "teal": (110, 196, 190),
}
RADIUS = np.array([0.10, 0.155, 0.225])  # by size, of the image's side
GRID = np.array([0.24, 0.5, 0.76])  # centres of rows and columns


def circle(x, y):
    return np.hypot(x, y) - 0.95


def square(x, y):
    return np.maximum(abs(x), abs(y)) - 0.82


def triangle(x, y):
    y = y + 0.15
    return np.maximum(-y, 0.866 * abs(x) + 0.5 * y) - 0.58


def star(x, y):
    # Folds the plane onto one tenth of the star, then measures one edge (Inigo Quilez, "2D distance functions").
    cos, sin, outer, inner = 0.809017, 0.587785, 1.05, 0.45
    x = abs(x)
    fold = 2 * np.maximum(cos * x - sin * y, 0)
    x, y = x - fold * cos, y + fold * sin
    fold = 2 * np.maximum(-cos * x - sin * y, 0)
    x, y = x + fold * cos, y + fold * sin
    x, y = abs(x), y - outer
    edge_x, edge_y = inner * sin, inner * cos - 1
    along = np.clip((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2), 0, outer)
    return np.hypot(x - edge_x * along, y - edge_y * along) * np.sign(y * edge_x - x * edge_y)


def heart(x, y):
    # Inigo Quilez, "2D distance functions".
    scale = 0.6
    x, y = abs(x) * scale, y * scale + 0.54
    lobe = np.hypot(x - 0.25, y - 0.75) - 0.353553
    half = 0.5 * np.maximum(x + y, 0)
    side = np.minimum(np.hypot(x, y - 1), np.hypot(x - half, y - half)) * np.sign(x - y)
    return np.where(x + y > 1, lobe, side) / scale


def diamond(x, y):
    return 0.58 * (abs(x) / 0.7 + abs(y) / 1.05 - 1)


def cross(x, y):
    x, y = abs(x), abs(y)
    return np.minimum(np.maximum(x - 0.95, y - 0.3), np.maximum(x - 0.3, y - 0.95))


def ring(x, y):
    return abs(np.hypot(x, y) - 0.72) - 0.22


def crescent(x, y):
    return np.maximum(np.hypot(x, y) - 0.98, 0.72 - np.hypot(x - 0.42, y))


def arrow(x, y):
    head = np.maximum(-y, 0.707 * (abs(x) + y - 1.0))
    shaft = np.maximum(abs(x) - 0.27, abs(y + 0.45) - 0.5)
    return np.minimum(head, shaft)


DISTANCES = [globals()[name] for name in SHAPES]


def render(scenes, rng, resolution):
    """Images uint8 [N, R, R, 3], with jitter in place, size, rotation and colour from `rng` (numpy)."""
    n = len(scenes)
    palette = np.array([COLOR_RGB[c] for c in COLORS], np.float32)
    backgrounds = np.array([BACKGROUND_RGB[b] for b in BACKGROUNDS], np.float32)
    images = backgrounds[scenes.background] + rng.uniform(-6, 6, (n, 1)) + rng.uniform(-2, 2, (n, 3))
    images = np.broadcast_to(images[:, None, None], (n, resolution, resolution, 3)).astype(np.float32)
    pixels = ((np.arange(resolution) + 0.5) / resolution).astype(np.float32)
    for slot in (0, 1):
        center = _centers(scenes, slot, rng)
        radius = RADIUS[scenes.size[:, slot]] * rng.uniform(0.92, 1.08, n)
        center = np.clip(center, radius[:, None] + 0.01, 0.99 - radius[:, None])
        angle = rng.uniform(-0.2, 0.2, n)  # radians: a square never becomes a diamond
        color = np.clip(palette[scenes.color[:, slot]] * rng.uniform(0.93, 1.07, (n, 1)) + rng.uniform(-9, 9, (n, 3)), 0, 255)
        for shape, distance in enumerate(DISTANCES):
            rows = np.flatnonzero(scenes.shape[:, slot] == shape)
            if len(rows) == 0:
                continue
            column = lambda values: values[rows].astype(np.float32)[:, None, None]  # [N, 1, 1]
            x = (pixels[None, None, :] - column(center[:, 0])) / column(radius)
            y = (column(center[:, 1]) - pixels[None, :, None]) / column(radius)
            cos, sin = np.cos(column(angle)), np.sin(column(angle))
            inside = -distance(cos * x + sin * y, cos * y - sin * x) * column(radius) * resolution  # in pixels
            cover = np.clip(inside + 0.5, 0, 1)[..., None]  # [N, R, R, 1]
            images[rows] += cover * (color[rows].astype(np.float32)[:, None, None] - images[rows])
    return np.clip(images + 0.5, 0, 255).astype(np.uint8)


def _centers(scenes, slot, rng):
    """Centres [N, 2] of the objects in one slot, in image units, y down."""
    n = len(scenes)
    lone = np.stack([GRID[scenes.position % 3], GRID[scenes.position // 3]], axis=1)
    lone = lone + rng.uniform(-0.03, 0.03, (n, 2))
    main = np.full(n, 0.26 if slot == 0 else 0.74) + rng.uniform(-0.03, 0.03, n)
    other = 0.5 + rng.uniform(-0.14, 0.14, n)
    side_by_side = scenes.arrangement == SIDE_BY_SIDE
    pair = np.stack([np.where(side_by_side, main, other), np.where(side_by_side, other, main)], axis=1)
    return np.where((scenes.arrangement == SINGLE)[:, None], lone, pair)


def shrink(images):
    """Mean of 2 x 2 pixels, uint8 [N, R, R, 3] -> float32 [N, R/2, R/2, 3]: a gallery picture as the image tower sees it."""
    n, r = images.shape[:2]
    return images.reshape(n, r // 2, 2, r // 2, 2, 3).mean(axis=(2, 4), dtype=np.float32)
