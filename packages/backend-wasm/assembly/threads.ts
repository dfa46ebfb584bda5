/** What the builds with threads export beyond `index.ts`. */
export * from "./index";
export { share } from "./share";
