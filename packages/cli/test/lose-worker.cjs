/** Loaded before the command: SIGUSR2 ends its workers, as running out of memory would. */
const threads = require("node:worker_threads");
const { syncBuiltinESMExports } = require("node:module");

if (threads.isMainThread) {
  const workers = [];
  threads.Worker = class extends threads.Worker {
    constructor(...options) {
      super(...options);
      workers.push(this);
    }
  };
  syncBuiltinESMExports();
  process.on("SIGUSR2", () => workers.forEach((worker) => void worker.terminate()));
}
