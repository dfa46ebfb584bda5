/** @textower/cli: the command as a function, for tests and other programs. Importing does nothing. */
export { run } from "./main.js";
export type { Io } from "./io.js";
export { EXIT } from "./errors.js";
