/**
 * Kernels on the device's own clock: each way of multiplying matrices, as a share of what the device's registers can do
 * and of what its memory can copy. Both are measured here, since no adapter tells.
 */
import { webgpu } from "@textower/backend-webgpu";
import { GraphBuilder, tensor } from "@textower/graph";

const [MAP_READ, COPY_SRC, COPY_DST, STORAGE, QUERY_RESOLVE] = [1, 4, 8, 0x80, 0x200];
/** Chains of the peak that do not wait for one another. */
const CHAINS = 8;
const STEPS = 4096;
const THREADS = 64;
const COPIED = 2 ** 26;
/** [rows, inputs, outputs] */
const SHAPES = [
  [1, 512, 2048],
  [8, 512, 2048],
  [64, 512, 2048],
  [512, 512, 2048],
  [512, 2048, 512],
];

/**
 * @param device - with `timestamp-query`, and `shader-f16` and `subgroups` if it can have them
 * @param ways - "plain", "gpu", or both: which kernels
 * @returns peak in GFLOP/s, copy bandwidth in GB/s, and a row for each product
 */
export async function measureKernels(device, ways, rounds) {
  const peak = await measurePeak(device, rounds);
  const bandwidth = await measureCopy(device, rounds);
  const products = [];
  for (const kernels of ways) {
    for (const precision of ["float32", "float16", "int8"]) {
      for (const [rows, inputs, outputs] of SHAPES) {
        const { variant, seconds } = await measureProduct({
          device,
          kernels,
          precision,
          rows,
          inputs,
          outputs,
          rounds,
        });
        const gflops = (2 * rows * inputs * outputs) / seconds / 1e9;
        // What has to be moved at least: x, the weight and y, once.
        const bytes =
          4 * rows * (inputs + outputs) + inputs * outputs * { float32: 4, float16: 2, int8: 1 }[precision];
        const gigabytes = bytes / seconds / 1e9;
        products.push({
          ...{ variant, rows, inputs, outputs, gflops },
          ...{ ofPeak: gflops / peak, ofBandwidth: gigabytes / bandwidth },
        });
      }
    }
  }
  return { peak, bandwidth, products };
}

const best = (values) => Math.min(...values);

async function measureProduct({ device, kernels, precision, rows, inputs, outputs, rounds }) {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["rows", inputs]);
  const graph = g.build({ y: g.linear(x, g.weight("w", [outputs, inputs])) });
  const fill = (shape) => tensor("float32", shape, new Float32Array(shape[0] * shape[1]).fill(0.01));
  const timings = [];
  const executable = await webgpu({
    device,
    kernels, // for measurements and tests: see `InternalOptions`
    selfCheck: false,
    onTimings: ([timing]) => timings.push(timing),
  }).compile(graph, { read: async () => fill([outputs, inputs]) }, { precision });
  const input = { x: fill([rows, inputs]) };
  for (let round = 0; round <= rounds; round++) await executable.run(input);
  await executable.dispose();
  const seconds = best(timings.slice(1).map(({ microseconds }) => microseconds)) / 1e6;
  return { variant: timings[0].variant, seconds };
}

/** Multiplies and adds on registers alone. @returns GFLOP/s */
async function measurePeak(device, rounds) {
  const chains = Array.from({ length: CHAINS }, (_, i) => i);
  const code = `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let a = vec4<f32>(0.5 + f32(id.x & 3u) * 0.01);
  ${chains.map((i) => `var s${i} = vec4<f32>(f32(id.x + ${i}u));`).join("\n  ")}
  for (var step = 0u; step < ${STEPS}u; step++) {
    ${chains.map((i) => `s${i} = fma(s${i}, a, a);`).join("\n    ")}
  }
  y[id.x] = ${chains.map((i) => `s${i}`).join(" + ")};
}`;
  const flops = (threads) => threads * STEPS * CHAINS * 4 * 2;
  // Enough threads for a large GPU, but no more than a slow device does in a moment.
  let workgroups = 4;
  let seconds = 0;
  for (; workgroups <= 16384; workgroups *= 4) {
    seconds = best(await dispatchTimes(device, code, THREADS * workgroups * 16, workgroups, rounds));
    if (seconds > 0.02) break;
  }
  return flops(THREADS * Math.min(workgroups, 16384)) / seconds / 1e9;
}

/** @returns GB/s, bytes read and bytes written together */
async function measureCopy(device, rounds) {
  const code = `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let half = arrayLength(&y) / 2u;
  y[half + id.x] = y[id.x];
}`;
  const seconds = best(await dispatchTimes(device, code, COPIED, COPIED / 32 / THREADS, rounds));
  return COPIED / seconds / 1e9;
}

/** Runs a shader on one buffer. @returns seconds on the device, for each round */
async function dispatchTimes(device, code, bytes, workgroups, rounds) {
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main" },
  });
  const buffer = device.createBuffer({ size: bytes, usage: STORAGE });
  const resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
  const read = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const seconds = [];
  for (let round = 0; round <= rounds; round++) {
    const encoder = device.createCommandEncoder();
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, read, 0, 16);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(MAP_READ);
    const [begin, end] = new BigInt64Array(read.getMappedRange());
    if (round > 0) seconds.push(Number(end - begin) / 1e9);
    read.unmap();
  }
  for (const each of [buffer, resolved, read, querySet]) each.destroy();
  return seconds;
}
