/**
 * Where the characters of a cleaned text come from: alignment with the text as it came, since cleaning keeps no record.
 *
 * Case and spaces are looked through. Where something else was changed, the next place where both go on alike is looked for; what
 * lies before it is aligned by its longest common subsequence, and characters without a counterpart get the whole stretch between
 * their neighbours'.
 */

/** A stretch of a text, in UTF-16 units: `text.slice(start, end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Characters that have to agree for two texts to be in step again; fewer would be chance. */
const IN_STEP = 4;
/** Most characters of both texts together that a changed stretch is looked for in: entities and mojibake are shorter. */
const FARTHEST = 96;
/** Most cells of a table for a common subsequence, two bytes each. A longer stretch is taken as a whole. */
const MOST_CELLS = 2 ** 21;

/**
 * @param cleaned - characters of the cleaned text, without spaces
 * @returns for each of them where it comes from, in order
 */
export function alignCharacters(text: string, cleaned: readonly string[]): Span[] {
  const own = charactersOf(text);
  const agree = (i: number, j: number): boolean => {
    for (let step = 0; step < IN_STEP; step++) {
      const [ownEnds, cleanedEnds] = [i + step >= own.length, j + step >= cleaned.length];
      if (ownEnds || cleanedEnds) return ownEnds && cleanedEnds;
      if (own[i + step]!.character !== cleaned[j + step]) return false;
    }
    return true;
  };
  const spans: Span[] = [];
  let i = 0;
  while (spans.length < cleaned.length) {
    const j = spans.length;
    if (own[i]?.character === cleaned[j]) {
      spans.push(own[i++]!);
      continue;
    }
    const [skipped, changed] = nextAgreement(agree, i, j) ?? [own.length - i, cleaned.length - j];
    spans.push(
      ...alignStretch(own.slice(i, i + skipped), cleaned.slice(j, j + changed), own[i]?.start ?? text.length),
    );
    i += skipped;
  }
  return spans;
}

/** How many characters of each text to pass over, as few as can be. */
function nextAgreement(
  agree: (i: number, j: number) => boolean,
  i: number,
  j: number,
): [skipped: number, changed: number] | undefined {
  for (let both = 1; both <= FARTHEST; both++) {
    for (let changed = 0; changed <= both; changed++) {
      if (agree(i + both - changed, j + changed)) return [both - changed, changed];
    }
  }
  return undefined;
}

/**
 * Spans of the characters of a changed stretch.
 * @param start - where it begins
 */
function alignStretch(own: readonly Character[], cleaned: readonly string[], start: number): Span[] {
  const partner = commonSubsequence(own, cleaned);
  const spans: Span[] = [];
  let used = 0; // of own
  for (let j = 0; j < cleaned.length;) {
    if (partner[j]! >= 0) {
      used = partner[j]! + 1;
      spans.push(own[partner[j++]!]!);
      continue;
    }
    let next = j;
    while (next < cleaned.length && partner[next]! < 0) next++;
    const end = next < cleaned.length ? partner[next]! : own.length;
    const from = own[used]?.start ?? own.at(-1)?.end ?? start;
    const span =
      end > used ? { start: own[used]!.start, end: own[end - 1]!.end } : { start: from, end: from };
    for (; j < next; j++) spans.push(span);
  }
  return spans;
}

/** For each character of `cleaned` its place in `own`, −1 for those that have none; all of them where there are too many. */
function commonSubsequence(own: readonly Character[], cleaned: readonly string[]): number[] {
  const partner = cleaned.map(() => -1);
  const width = cleaned.length + 1;
  if ((own.length + 1) * width > MOST_CELLS) return partner;
  const lengths = new Uint16Array((own.length + 1) * width); // of what is common from here on
  for (let i = own.length - 1; i >= 0; i--) {
    for (let j = cleaned.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        own[i]!.character === cleaned[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  for (let i = 0, j = 0; i < own.length && j < cleaned.length;) {
    if (own[i]!.character === cleaned[j]) partner[j++] = i++;
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return partner;
}

/** A character of a text, and where it stands. */
interface Character extends Span {
  readonly character: string;
}

/** A character with what is combined with it. */
const CHARACTER = /\P{M}\p{M}*|\p{M}+/gsu;

/** Characters of a text that are no spaces, composed and in lower case: more than one of them may come from one. */
function charactersOf(text: string): Character[] {
  return Array.from(text.matchAll(CHARACTER)).flatMap(({ 0: original, index: start }) => {
    if (/\s/u.test(original)) return [];
    const end = start + original.length;
    return Array.from(original.normalize("NFC").toLowerCase(), (character) => ({ character, start, end }));
  });
}
