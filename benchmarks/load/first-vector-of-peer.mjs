/**
 * As `first-vector.mjs`, of transformers.js: `node first-vector-of-peer.mjs transformers-node|transformers-web`. Its
 * model is there already, with the weights of the text tower alone.
 */
import { transformersNode, transformersWeb } from "../encode/contestants/transformers.mjs";

const make = { "transformers-node": transformersNode, "transformers-web": transformersWeb }[process.argv[2]];
const contestant = await make({ threads: 2 });
const prompts = [{ text: "a photo of a cat", ids: Array.from({ length: 7 }) }];
await contestant.run(contestant.prepare(prompts, { batch: 1 }));
const [seconds, peakMB] = [process.uptime(), process.resourceUsage().maxRSS / 1024];
console.log(JSON.stringify({ peakMB: +peakMB.toFixed(0), seconds: +seconds.toFixed(2) }));
process.exit(0); // onnxruntime-web's threads would keep the process
