/**
 * A backend that lets its thread look at messages before each run. Runs of an encoder otherwise follow one another
 * without a gap, and a call could not be cancelled while a worker has something to do.
 */
import type { Backend, Executable } from "@textower/graph";

/** As `backend`, with a turn of the event loop before each run. */
export function withTurns(backend: Backend): Backend {
  const { name, preferredRows } = backend;
  return {
    name,
    ...(preferredRows === undefined ? {} : { preferredRows }),
    isSupported: () => backend.isSupported(),
    compile: async (...compiling) => executableWithTurns(await backend.compile(...compiling)),
  };
}

function executableWithTurns(executable: Executable): Executable {
  const warmup = executable.warmup?.bind(executable);
  return {
    info: executable.info,
    ...(warmup !== undefined && { warmup }),
    async run(inputs, options = {}) {
      await turn();
      return executable.run(inputs, options); // looks at the signal first
    },
    dispose: () => executable.dispose(),
  };
}

/** Resolves when the messages that wait now have been read. Turns come in the order in which they are asked for. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    // Not by a message in Node, which reads up to a thousand of one port before it looks at the next port.
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    // Not by a timer in browsers, which hold nested ones back for 4 ms.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
