/** The script of the page that `serve.mjs` serves: the suite, where tests find it. */
import * as suite from "./cases.mjs";

globalThis.suite = suite;
