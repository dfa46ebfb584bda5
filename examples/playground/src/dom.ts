/** The few words that a page without a framework needs. */

/** The element of a selector, which is in `index.html`. */
export function find<Type extends HTMLElement = HTMLElement>(selector: string): Type {
  return document.querySelector<Type>(selector)!;
}

/** A new element with properties and content. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<Omit<HTMLElementTagNameMap[Name], "style">> = {},
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...content);
  return element;
}

/** A line of a bar chart. @param share - of the whole, 0 to 1 */
export function barItem(name: string, share: number, value: string): HTMLLIElement {
  const bar = make("span", { className: "bar" });
  bar.style.width = `${(share * 100).toFixed(1)}%`;
  return make(
    "li",
    {},
    make("span", { className: "name", title: name }, name),
    make("span", { className: "track" }, bar),
    make("span", { className: "value" }, value),
  );
}

/** Lines that are not empty. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Shows an error where everybody sees it, or takes it away. */
export function fail(error: unknown): void {
  const failure = find("#failure");
  failure.hidden = error === undefined;
  if (error !== undefined) failure.textContent = error instanceof Error ? error.message : String(error);
}

/** Calls `then` when nobody has typed for a moment: for what is drawn anew and not worth doing for every key. */
export function whenQuiet(then: () => void, milliseconds = 150): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(then, milliseconds);
  };
}
