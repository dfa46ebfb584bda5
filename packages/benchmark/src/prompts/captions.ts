/**
 * Mixed captions of 5 to 60 tokens: made, not collected, the same on every run. Forty skeletons as people caption
 * pictures, from two words to a paragraph, with fillers; beginnings are as alike as such captions are, no more.
 *
 * Short ones come up more often, as they do where captions are collected: half have 15 tokens or fewer, the mean is 16,
 * one in ten has more than 30. (Conceptual Captions have 10.3 words on average: Sharma et al. 2018; a word is
 * 1.2 tokens, start and end are 2.)
 */

/** Least and most tokens of a caption, start and end of text included. */
const TOKENS = { min: 5, max: 60 };

/** From short to long. */
const SKELETONS = `
{animal} {place}
{color} {vehicle} {time}
{person}, {time}
my {animal} and {food}
{adjective} {object} on {surface}
close-up of {food}
{place} in {weather}
two people {doing}
{person} {doing} {place}
a {color} {vehicle} parked {place}
the {animal} is {doing} under {surface}
{adjective} portrait of {person}
an aerial view of {spot} {time}
{food} and {food} served on {surface}
black and white photograph of {person} {doing}
a {adjective} {animal} {doing} beside a {color} {object}
{person} holds up a {color} {object} while {doing}
there is a {vehicle} waiting {place} in {weather}
looking down on {spot}, a {vehicle} passes in {weather}
someone left a {color} {object} on {surface} {time}
several people are {doing} {place} around a {adjective} {object}
{time}: {person} and a {animal}, both {doing}
a hand-drawn map of {spot} with a {color} {object} in one corner
{person} wearing a {color} coat walks past a {adjective} {vehicle} {place}
half-eaten {food} next to the {adjective} {object} on {surface}
{time} the {color} {vehicle} comes to a stop {place}
vintage poster showing a {vehicle}, a {animal} and the words "{adjective} days"
through the window you can see {person} {doing} in {weather}
a {animal} has jumped onto {surface} to get at the {food}
screenshot of a video game in which {person} drives a {color} {vehicle}
The {adjective} {object} that {person} bought is standing on {surface}, seen {time}.
Photograph taken {place}: {person} is {doing}, and in the background a {vehicle} goes by in {weather}.
Interior with a {color} {object}, a {adjective} lamp and a bowl of {food} on {surface}; a {animal} sleeps in the corner.
Children are {doing} {place} while {person} watches them from a {adjective} {vehicle} parked in the shade.
In the foreground {person} is {doing} with a {color} {object}; further back, a {animal} and a {vehicle} can be made out in {weather}.
Oil painting of {spot} {time}, with a {adjective} {vehicle}, figures {doing}, and a sky of {color} clouds.
Product shot of a {color} {object} on {surface}, soft light from the left, shallow depth of field, {adjective} background.
For sale: one {adjective} {object}, {color}, hardly used, shown on {surface} beside some {food} for scale.
Everyone stopped {doing} when the {animal} ran {place} with the {food} in its mouth.
News photo: after {weather}, {person} inspects a {color} {vehicle} that was swept {place}.
`
  .trim()
  .split("\n");

/** Sentences that one caption in five goes on with, some with several. */
const DETAILS = `
The light is {adjective} and comes from behind.
A {color} {object} lies on {surface}.
In the distance someone is {doing} in {weather}.
Behind the {animal} stands a {adjective} {vehicle}.
It was taken {time} with an old film camera.
Nobody seems to mind {weather}, least of all the {animal}.
On the left edge {person} is cut off by the frame.
`
  .trim()
  .split("\n");

const FILLERS: Readonly<Record<string, readonly string[]>> = {
  animal: "cat,dog,horse,sparrow,goat,heron,rabbit,turtle,fox,donkey,sheepdog,parrot,squirrel,cow".split(","),
  vehicle:
    "bicycle,tram,pickup truck,fishing boat,scooter,night train,tractor,double-decker bus,van,sailboat".split(
      ",",
    ),
  object:
    "umbrella,suitcase,teapot,accordion,wooden chair,mirror,typewriter,kite,lantern,basket,clock,skateboard".split(
      ",",
    ),
  food: "ramen,strawberries,flatbread,grilled corn,pancakes,olives,dumplings,apple pie,noodles,goat cheese".split(
    ",",
  ),
  color: "red,dark green,yellow,pale blue,orange,white,turquoise,rust-coloured,grey,purple".split(","),
  adjective:
    "quiet,battered,glossy,tiny,enormous,old-fashioned,elegant,blurry,half-finished,cheerful,muddy".split(
      ",",
    ),
  person:
    "a young woman,an old man,a street musician,my sister,the mechanic,a boy in a raincoat,a tourist,a firefighter,a bride,the baker".split(
      ",",
    ),
  doing:
    "running,reading a newspaper,waiting for the bus,dancing,eating,arguing,looking at a phone,repairing a fence,sleeping,playing chess,waving".split(
      ",",
    ),
  place:
    "in a mountain village,by the harbour,on a crowded beach,near the old bridge,in the kitchen,at the market,along the railway,in a car park,across the square,outside the library".split(
      ",",
    ),
  spot: "a mountain village,the harbour,a crowded beach,the old bridge,a market square,a railway yard,the car park".split(
    ",",
  ),
  surface:
    "a marble table,the windowsill,a blanket,the pavement,wet sand,a workbench,a checked tablecloth,the piano".split(
      ",",
    ),
  time: "at dawn,in late autumn,just before closing time,on a Sunday morning,after dark,around noon in 1968,last summer".split(
    ",",
  ),
  weather: "thick fog,heavy rain,bright sunshine,falling snow,a sandstorm,the evening haze,strong wind".split(
    ",",
  ),
};

/**
 * @param count - number of captions, all distinct
 * @param tokens - length of a text in tokens; captions outside 5…60 are dropped
 */
export function mixedCaptions(count: number, tokens: (text: string) => number): string[] {
  const random = randomIntegers(20260131);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const fill = (pattern: string): string =>
    pattern
      .replace(/\{(\w+)\}/g, (_, kind: string) => pick(FILLERS[kind]!))
      .replace(/\ba (?=[aeiou])/g, "an ");
  const captions = new Set<string>();
  while (captions.size < count) {
    const parts = [fill(SKELETONS[Math.min(random(SKELETONS.length), random(SKELETONS.length))]!)];
    while (random(5) < 1) parts.push(fill(pick(DETAILS)));
    const caption = parts.join(parts[0]!.endsWith(".") ? " " : ". ").replaceAll(".. ", ". ");
    const length = tokens(caption);
    if (length >= TOKENS.min && length <= TOKENS.max) captions.add(caption);
  }
  return [...captions];
}

/** Repeatable integers below a bound: xorshift32. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
