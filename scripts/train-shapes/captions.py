"""Says true things about a scene in many ways, and says exactly what was claimed (a `Query`).

Phrasings are whole sentence frames. Those in HELD_OUT and VALIDATION never occur in training;
single words (synonyms of shapes, colours, ...) are shared by all three.
"""

from world import (
    ANY, BACKGROUNDS, COLORS, NONE, ONE, OPPOSITE, POSITIONS, PREFER_ONE, SHAPES, SINGLE, SIZES, STACKED, TWO, Query,
)

SHAPE_WORDS = {
    "circle": ["circle", "circle", "circle", "disc", "disk", "dot", "ball"],
    "square": ["square", "square", "square", "box", "block"],
    "triangle": ["triangle", "triangle", "triangle", "pyramid"],
    "star": ["star", "star", "star", "five-pointed star", "star shape"],
    "heart": ["heart", "heart", "heart", "heart shape", "love heart"],
    "diamond": ["diamond", "diamond", "rhombus", "lozenge"],
    "cross": ["cross", "cross", "cross", "plus", "plus sign"],
    "ring": ["ring", "ring", "ring", "hoop", "donut"],
    "crescent": ["crescent", "moon", "crescent moon"],
    "arrow": ["arrow", "arrow", "arrow", "pointer"],
}
COLOR_WORDS = {
    "red": ["red", "red", "red", "crimson", "scarlet"],
    "orange": ["orange", "orange", "orange", "tangerine"],
    "yellow": ["yellow", "yellow", "yellow", "golden"],
    "green": ["green", "green", "green", "emerald"],
    "blue": ["blue", "blue", "blue", "cobalt", "royal blue"],
    "purple": ["purple", "purple", "purple", "violet"],
    "pink": ["pink", "pink", "pink", "rose"],
    "brown": ["brown", "brown", "brown", "chocolate"],
    "black": ["black", "black", "black", "jet black"],
    "white": ["white", "white", "white", "snow white"],
}
SIZE_WORDS = {
    "small": ["small", "small", "tiny", "little"],
    "medium": ["medium", "medium-sized", "medium sized", "mid-sized"],
    "large": ["large", "large", "big", "huge"],
}
BACKGROUND_WORDS = {
    "white": ["white"], "black": ["black"], "gray": ["gray", "grey"],
    "beige": ["beige", "beige", "cream"], "teal": ["teal", "teal", "turquoise"],
}
POSITION_PHRASES = {
    "center": ["in the center", "in the middle", "at the center", "in the centre", "centered"],
    "top": ["at the top", "near the top", "at the top center"],
    "bottom": ["at the bottom", "near the bottom", "at the bottom center"],
    "left": ["on the left", "on the left side", "at the left"],
    "right": ["on the right", "on the right side", "at the right"],
}
for _position in POSITIONS:
    if " " in _position:
        _upper = _position.replace("top", "upper").replace("bottom", "lower")
        POSITION_PHRASES[_position] = [
            f"in the {_position} corner", f"at the {_position}", f"in the {_position}",
            f"in the {_upper} corner", f"at the {_upper}",
        ]
BACKGROUND_PHRASES = [
    "on a {} background", "on a {} background", "on {}", "against a {} background", "on a {} backdrop", "with a {} background",
]
RELATION_PHRASES = {
    "left of": ["left of", "to the left of", "on the left of"],
    "right of": ["right of", "to the right of", "on the right of"],
    "above": ["above", "above", "on top of"],
    "below": ["below", "under", "beneath", "underneath"],
}
SIDE_PHRASES = {  # where a pair's first and second object are
    "left of": [("on the left", "on the right"), ("at left", "at right")],
    "above": [("at the top", "at the bottom"), ("on top", "below")],
}
PLURAL_WORDS = {"box": "boxes", "cross": "crosses", "rhombus": "rhombuses", "plus": "pluses"}

LEADS = [
    "", "", "", "", "a photo of", "a photo of", "a picture of", "a picture of", "an image of", "a drawing of",
    "an illustration of", "a photograph of", "there is", "this is", "it is", "i see", "we see", "here is", "find",
    "show me", "the image shows", "the picture shows", "this photo shows", "a snapshot of", "a close-up of",
]

# {o} an object with its adjectives, {p} where it is, {b} the background phrase, {c} the background's colour.
# {p} and {b} may turn out empty; {o}, {q}, {r} are two objects and their relation.
TRAINING = {
    "one": ["{lead} {o} {p} {b}"] * 6 + ["{lead} {o} {b} {p}"] * 4 + [
        "{b}, {o} {p}", "{p}, {o} {b}", "{p} there is {o} {b}", "{o} is {p} {b}", "the {o!} {b} is {p}",
        "{o}, {p}, {b}", "{o} drawn {p} {b}", "{b} {p} {o}",
    ],
    "one with background": ["a {c} background with {o} {p}", "the background is {c} and there is {o} {p}", "{o!}, {p}, {c} background", "{c} background, {o!} {p}"],
    "two": ["{lead} {o} {r} {q} {b}"] * 8 + ["{b}, {o} {r} {q}", "{o} is {r} {q} {b}", "{b} {o} is {r} {q}", "{lead} {o} {b} {r} {q}", "{r} {q} is {o} {b}", "{r} {q}, {o} {b}"],
    "two sides": ["{lead} {o} {s} and {q} {t} {b}"] * 2 + ["{o} {s}, {q} {t} {b}", "{b}, {s} {o} and {t} {q}"],
    "two unordered": ["{lead} {o} and {q} {b}"] * 4 + ["{o} with {q} {b}", "{o} next to {q} {b}", "{b}, {o} and {q}", "{o} beside {q}", "{o!} {q!}"],
}
VALIDATION = {
    "one": ["a sketch of {o} {p} {b}", "that is {o} {b} {p}", "{o} can be found {p} {b}", "{b} {o} is {p}"],
    "two": ["a sketch of {o} {r} {q} {b}", "{o} lies {r} {q} {b}", "{b} we find {o} {r} {q}"],
}
HELD_OUT = {
    "one": [
        "a rendering of {o} {b}, {p}", "{p} you can see {o} {b}", "{o} appears {p} {b}", "look, {o} {b} placed {p}",
        "a painting with {o} {p} {b}", "{b} there is {o} and it is {p}",
    ],
    "two": [
        "a rendering of {o} {r} {q} {b}", "{b} you can see {o} {r} {q}", "{o} appears {r} {q} {b}",
        "look, {o} placed {r} {q} {b}", "a painting with {o} {r} {q} {b}", "{b} there is {o} and it is {r} {q}",
    ],
}
HELD_OUT_ZERO_SHOT = {
    "shape": ["a rendering of a {}.", "a painting with one {}", "you can see a {}", "look, a {}!"],
    "color": ["a rendering of a {} shape.", "a painting with something {}", "you can see a {} object", "look, a {} thing!"],
}


def describe(rng, scene, frames, complete=False):
    """A caption of `scene` and its Query. `complete`: every fact is said, in one of `frames`."""
    objects, background, position, arrangement = scene
    if not complete:
        caption = (_loose_single if arrangement == SINGLE else _loose_pair)(rng, scene)
        if caption:
            return caption
    everything = complete or rng.random() < 0.45
    said = lambda chance: everything or rng.random() < chance
    b = background if said(0.4) else NONE
    if arrangement == SINGLE:
        p = position if said(0.4) else NONE
        kind = "one with background" if b != NONE and "one with background" in frames and rng.random() < 0.2 else "one"
        facts = _choose_facts(rng, objects[0], everything)
        count = PREFER_ONE if p == NONE else ONE
        return _fill(rng, rng.choice(frames[kind]), [facts], b, p, 0), Query(count, (facts,), b, p)
    relation = 2 if arrangement == STACKED else 1
    order = [0, 1]
    if rng.random() < 0.5:
        order, relation = [1, 0], OPPOSITE[relation]
    first, second = (_choose_facts(rng, objects[i], everything) for i in order)
    kind = "two" if complete else rng.choices(["two", "two sides", "two unordered"], [6, 2, 2])[0]
    caption = _fill(rng, rng.choice(frames[kind]), [first, second], b, NONE, relation)
    claimed = 0 if kind == "two unordered" else relation
    return caption, Query(TWO, (first, second), b, NONE, claimed)


def _choose_facts(rng, facts, everything):
    if everything:
        return facts
    keep = rng.choice(["scz", "sc", "sc", "sc", "sc", "sz", "s", "c", "cz"])
    return tuple(f if letter in keep else NONE for f, letter in zip(facts, "scz"))


def _loose_single(rng, scene):
    (shape, color, size), = scene[0]
    background = scene[1]
    kind = rng.random()
    if kind < 0.04:
        text = rng.choice(["one shape", "one object", "a single shape", "a single object", "just one thing", "a lone shape"])
        return _finish(rng, f"{rng.choice(LEADS)} {text}"), Query(ONE, ())
    if kind < 0.06:
        return _finish(rng, f"{rng.choice(['a', 'the', ''])} {BACKGROUNDS[background]} background"), Query(ANY, (), background)
    if kind < 0.10:
        text = rng.choice(["the {s} is {c}", "the color of the {s} is {c}", "a {s} that is {c}", "a {s} in {c}", "a {c}-colored {s}", "{s}, {c}", "the shape is a {s} and its color is {c}"])
        text = text.format(s=_word(rng, SHAPE_WORDS, SHAPES[shape]), c=_word(rng, COLOR_WORDS, COLORS[color]))
        return _finish(rng, text), Query(PREFER_ONE, ((shape, color, NONE),))
    if kind < 0.13:
        text = f"{rng.choice(['a', 'the', ''])} {_noun(rng, (shape, NONE, NONE))}"
        text += rng.choice([" that is ", ", "]) + _word(rng, SIZE_WORDS, SIZES[size])
        return _finish(rng, text), Query(PREFER_ONE, ((shape, NONE, size),))
    if kind < 0.22:
        return _one_fact(rng, scene)
    return None


def _loose_pair(rng, scene):
    objects, background = scene[:2]
    (shape, color, _), (shape2, color2, _) = objects
    kind = rng.random()
    if kind < 0.06:
        text = rng.choice(["two shapes", "two objects", "two things", "a pair of shapes", "a pair of objects", "two different shapes", "a couple of shapes", "2 shapes"])
        b = background if rng.random() < 0.3 else NONE
        return _finish(rng, f"{rng.choice(LEADS)} {text} {_background_phrase(rng, b)}"), Query(TWO, (), b)
    if kind < 0.2 and shape == shape2:
        noun = rng.choice(SHAPE_WORDS[SHAPES[shape]])
        return _finish(rng, f"{rng.choice(LEADS)} two {PLURAL_WORDS.get(noun, noun + 's')}"), Query(TWO, ((shape, NONE, NONE),) * 2)
    if kind < 0.2 and color == color2:
        noun = rng.choice(["shapes", "objects", "things"])
        return _finish(rng, f"{rng.choice(LEADS)} two {_word(rng, COLOR_WORDS, COLORS[color])} {noun}"), Query(TWO, ((NONE, color, NONE),) * 2)
    if kind < 0.24 and color != color2:
        c, c2 = (_word(rng, COLOR_WORDS, COLORS[i]) for i in (color, color2))
        return _finish(rng, f"{c} and {c2}"), Query(TWO, ((NONE, color, NONE), (NONE, color2, NONE)))
    if kind < 0.32:
        facts = _choose_facts(rng, rng.choice(objects), False)
        lead = rng.choice(["a picture containing", "an image containing", "a picture that has", "somewhere there is", "one of the shapes is"])
        return _finish(rng, f"{lead} {_noun_phrase(rng, facts)}"), Query(ANY, (facts,))
    if kind < 0.38:
        return _one_fact(rng, scene)
    return None


def _one_fact(rng, scene):
    """"star", "something green": true of any picture with such a thing in it."""
    shape, color, size = rng.choice(scene[0])
    kind = rng.random()
    if kind < 0.4:
        return _finish(rng, _word(rng, SHAPE_WORDS, SHAPES[shape])), Query(ANY, ((shape, NONE, NONE),))
    thing = rng.choice(["something", "something", "anything"])
    # The bare words "black" and "white" could as well mean the background.
    if kind < 0.55 and COLORS[color] not in BACKGROUNDS:
        return _finish(rng, _word(rng, COLOR_WORDS, COLORS[color])), Query(ANY, ((NONE, color, NONE),))
    if kind < 0.8:
        return _finish(rng, f"{rng.choice(LEADS)} {thing} {_word(rng, COLOR_WORDS, COLORS[color])}"), Query(ANY, ((NONE, color, NONE),))
    return _finish(rng, f"{thing} {_word(rng, SIZE_WORDS, SIZES[size])}"), Query(ANY, ((NONE, NONE, size),))


def _word(rng, words, fact):
    return rng.choice(words[fact])


def _noun(rng, facts):
    """Adjectives and noun, no article."""
    shape, color, size = facts
    noun = rng.choice(["shape", "object", "thing", "figure"]) if shape == NONE else _word(rng, SHAPE_WORDS, SHAPES[shape])
    adjectives = []
    if size != NONE:
        adjectives.append(_word(rng, SIZE_WORDS, SIZES[size]))
    if color != NONE:
        adjectives.append(_word(rng, COLOR_WORDS, COLORS[color]))
    if rng.random() < 0.1:
        adjectives.reverse()
    return " ".join([*adjectives, noun])


def _noun_phrase(rng, facts):
    noun = _noun(rng, facts)
    a = "an" if noun[0] in "aeiou" else "a"
    return f"{rng.choices([a, 'the', 'one', ''], [7, 1, 0.5, 1.5])[0]} {noun}"


def _background_phrase(rng, background):
    return "" if background == NONE else rng.choice(BACKGROUND_PHRASES).format(_word(rng, BACKGROUND_WORDS, BACKGROUNDS[background]))


def _fill(rng, frame, objects, background, position, relation):
    parts = {"{lead}": rng.choice(LEADS), "{b}": _background_phrase(rng, background), "{p}": ""}
    if "{c}" in frame:
        parts["{c}"] = _word(rng, BACKGROUND_WORDS, BACKGROUNDS[background])
    if position != NONE:
        parts["{p}"] = rng.choice(POSITION_PHRASES[POSITIONS[position]])
    for slot, facts in zip("oq", objects):
        parts[f"{{{slot}}}"] = _noun_phrase(rng, facts)
        parts[f"{{{slot}!}}"] = _noun(rng, facts)  # without article
    if relation:
        name = ["", "left of", "above", "right of", "below"][relation]
        parts["{r}"] = rng.choice(RELATION_PHRASES[name])
        sides = rng.choice(SIDE_PHRASES["left of" if relation in (1, 3) else "above"])
        parts["{s}"], parts["{t}"] = sides if relation < 3 else sides[::-1]
    for key, value in parts.items():
        frame = frame.replace(key, value)
    return _finish(rng, frame)


def _finish(rng, text):
    """Tidy what empty parts left behind; sometimes a full stop."""
    parts = [" ".join(part.split()) for part in text.split(",")]
    text = ", ".join(part for part in parts if part)
    return text + ("." if rng.random() < 0.25 else "")
