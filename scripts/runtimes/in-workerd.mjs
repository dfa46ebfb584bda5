/** The worker of `workerd.test.mjs`: texts in, vectors out. At `/plain` it hands no kernels over. */
import relaxed from "@textower/backend-wasm/relaxed.wasm";
import config from "config.json";
import model from "shapes.safetensors";
import { wasm } from "../../packages/backend-wasm/dist/index.js";
import { createTextEncoder } from "../../packages/textower/dist/index.js";

export default {
  async fetch(request) {
    const plain = new URL(request.url).pathname === "/plain";
    try {
      const backend = plain ? wasm() : wasm({ kernels: { relaxed } });
      const encoder = await createTextEncoder({ model, config, backend });
      const { embeddings } = await encoder.encode(await request.json());
      return Response.json({ info: encoder.info, embeddings: embeddings.map((each) => [...each]) });
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
