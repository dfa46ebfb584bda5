// Captions for the tokenizer's benchmark: made, not collected, the same on every run. Two kinds: `distinctCaptions`, in which
// hardly a word comes twice, so that nobody's cache helps, and `usualCaptions`, whose words repeat as they do in real ones.

/** Repeatable integers below a bound: xorshift32. */
function randomIntegers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl sp st str t th tr v w".split(
  " ",
);
const NUCLEI = "a e i o u ai ea ee ie oa oo ou".split(" ");
const CODAS = [
  "",
  "",
  "b",
  "ck",
  "d",
  "ft",
  "g",
  "l",
  "ld",
  "m",
  "n",
  "nd",
  "ng",
  "nt",
  "p",
  "r",
  "rd",
  "rk",
  "s",
  "st",
  "t",
  "x",
];
const ENDINGS = ["", "", "", "s", "ed", "ing", "er", "ly", "ness", "ful", "tion"];

const LITTLE = "a the of in on with and near under over".split(" ");
const WORDS = (
  "photo painting drawing sketch picture close-up dog cat horse bird car train bridge river mountain street market child woman " +
  "man kitchen table flower garden lamp boat beach snow forest tower window umbrella bicycle guitar bowl of fruit red blue green " +
  "old small large wooden bright dark sleeping running standing holding wearing looking sunny rainy morning night city"
).split(" ");

function newWord(random, seen) {
  for (;;) {
    let word = "";
    for (let syllables = 1 + random(3); syllables >= 0; syllables--) {
      word += ONSETS[random(ONSETS.length)] + NUCLEI[random(NUCLEI.length)];
      if (random(2) === 0) word += CODAS[random(CODAS.length)];
    }
    word += ENDINGS[random(ENDINGS.length)];
    if (!seen.has(word)) {
      seen.add(word);
      return word;
    }
  }
}

const sentence = (words) => `${words[0][0].toUpperCase()}${words.join(" ").slice(1)}.`;

/** [count] Captions of 6 to 11 invented words each, no word twice in all of them. */
export function distinctCaptions(count) {
  const random = randomIntegers(1);
  const seen = new Set();
  return Array.from({ length: count }, () =>
    sentence(Array.from({ length: 6 + random(6) }, () => newWord(random, seen))),
  );
}

/** [count] Distinct captions of 8 to 15 words from a small stock, as captions are; one word in twelve is invented. */
export function usualCaptions(count) {
  const random = randomIntegers(2);
  const seen = new Set();
  const captions = new Set();
  while (captions.size < count) {
    const words = Array.from({ length: 8 + random(8) }, (_, i) => {
      if (i % 3 === 0) return LITTLE[random(LITTLE.length)];
      return random(12) === 0 ? newWord(random, seen) : WORDS[random(WORDS.length)];
    });
    captions.add(sentence(words));
  }
  return [...captions];
}
