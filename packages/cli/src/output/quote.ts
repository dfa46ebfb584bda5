/** Text that came from somewhere else, made harmless for a terminal. */
export { quote } from "@textower/prompts";
