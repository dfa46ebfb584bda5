/** @textower/backend-reference: the ops as their formulas in plain loops. Importing does nothing. */
export { reference } from "./reference.js";
