import { testDriver } from "./conformance.js";

await testDriver("swiftshader");
