/**
 * A graph of one's own, on a backend of the package: a two-layer perceptron over bags of words that tells questions from
 * orders. Backends know nothing of CLIP: whatever the builder can say, they run, and weights come from wherever one likes.
 *
 *   node classify.mjs "could you open the door"
 */
import { wasm } from "@textower/backend-wasm";
import { GraphBuilder, printGraph, tensor } from "@textower/graph";

const WORDS = ["who", "what", "why", "could", "is", "open", "close", "stop", "give", "now"];
const LABELS = ["question", "order"];
const HIDDEN = 4;

/** By hand, as nobody would. Linear weights are [out, in], as everywhere in the field. */
const WEIGHTS = {
  "words.weight": tensor(
    "float32",
    [HIDDEN, WORDS.length],
    // Units 0 and 1 light up for words of questions, 2 and 3 for those of orders.
    Float32Array.from({ length: HIDDEN * WORDS.length }, (_, i) => {
      const [unit, word] = [Math.floor(i / WORDS.length), i % WORDS.length];
      return unit < 2 === word < 5 ? 1 + unit / 10 : -0.2;
    }),
  ),
  "labels.weight": tensor("float32", [LABELS.length, HIDDEN], Float32Array.of(2, 2, -1, -1, -1, -1, 1, 1)),
};

const g = new GraphBuilder();
const bags = g.input("bags", "float32", ["texts", WORDS.length]); // [texts, words]
const hidden = g.gelu(g.linear(bags, g.weight("words.weight", [HIDDEN, WORDS.length])), "erf"); // [texts, hidden]
const scores = g.linear(hidden, g.weight("labels.weight", [LABELS.length, HIDDEN])); // [texts, labels]
const graph = g.build({ scores, hidden }); // any value can be an output
console.log(printGraph(graph));

const executable = await wasm().compile(graph, { read: async (name) => WEIGHTS[name] });
const texts = process.argv.length > 2 ? process.argv.slice(2) : ["why is it raining", "stop that now"];
const data = Float32Array.from(
  texts.flatMap((text) => WORDS.map((word) => (text.split(" ").includes(word) ? 1 : 0))),
);
const outputs = await executable.run({ bags: tensor("float32", [texts.length, WORDS.length], data) });
texts.forEach((text, i) => {
  const row = outputs.scores.data.subarray(i * LABELS.length, (i + 1) * LABELS.length);
  console.log(`${text}: ${LABELS[row.indexOf(Math.max(...row))]}`);
});
await executable.dispose();
