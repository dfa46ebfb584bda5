/** Which model runs, and on what: the form, loading and its progress, what is known of what runs. */
import type { Precision } from "@textower/graph";
import type { Activation } from "@textower/weights";
import type { App } from "../app.js";
import { fail, find, make } from "../dom.js";
import { CHOICES, STOPPED } from "../protocol.js";
import type { BackendName, ModelChoice, ModelInfo } from "../protocol.js";
import { whyNoWebgpu, withoutThreads } from "../surroundings.js";

const form = (): HTMLFormElement => find<HTMLFormElement>("#model-form");

/** Loads what the form says. Shows why where it does not work; the model before goes on then. */
export async function loadModel(app: App, dropped: readonly File[] = []): Promise<void> {
  const button = form().querySelector("button")!;
  const stop = find<HTMLButtonElement>("#stop");
  const progress = find("#loading").querySelector("progress")!;
  const doing = find("#doing");
  const choice = choiceOf(form(), dropped);
  button.disabled = true;
  stop.hidden = find("#loading").hidden = false;
  progress.removeAttribute("value");
  doing.textContent = "Opening …";
  fail(undefined);
  let isLoading = true; // messages of the worker may come late
  try {
    const model = await app.load(choice, (what, done) => {
      if (!isLoading) return;
      if (done !== undefined) progress.value = done;
      doing.textContent = what;
    });
    showRunning(model);
    remember(choice);
  } catch (error) {
    if (app.model === undefined) {
      find("#running").textContent = "No model yet";
      find<HTMLDetailsElement>("#settings").open = true;
    }
    fail(isStopped(error) ? "Stopped. What has come from the Hub is kept: Load goes on from there." : error);
  } finally {
    isLoading = false;
    button.disabled = false;
    stop.hidden = find("#loading").hidden = true;
  }
}

const isStopped = (error: unknown): boolean => (error as { name?: unknown }).name === STOPPED;

function showRunning({ name, device, precision, threads, notes }: ModelInfo): void {
  const chip = (text: string): HTMLElement => make("span", { className: "chip" }, text);
  find("#running").replaceChildren(
    make("strong", {}, name),
    " on ",
    chip(device),
    " ",
    chip(precision),
    " ",
    chip(threads === 1 ? "1 thread" : `${threads} threads`),
  );
  const list = find("#notes");
  const advice = withoutThreads();
  const shown = advice === undefined ? notes : [...notes.filter((note) => !/isolated/.test(note)), advice];
  list.hidden = shown.length === 0;
  list.replaceChildren(...shown.map((note) => make("li", {}, note)));
}

/** Names and addresses stand in the page's own address, so that a reload or a link leads to the same. */
function remember({ model, files, backend }: ModelChoice): void {
  if (files.length > 0) return;
  const url = new URL(location.href);
  const set = (key: string, value: string, usual: string): void =>
    value === usual ? url.searchParams.delete(key) : url.searchParams.set(key, value);
  set("model", model, "shapes");
  set("backend", backend, "wasm");
  history.replaceState(null, "", url);
}

function choiceOf(from: HTMLFormElement, dropped: readonly File[]): ModelChoice {
  const data = new FormData(from);
  const picked = data.getAll("files").filter((each): each is File => each instanceof File && each.size > 0);
  const threads = Number(data.get("threads")); // disabled: null, 0
  const activation = data.get("activation") as Activation | "";
  return {
    model: String(data.get("model")).trim() || "shapes",
    files: dropped.length > 0 ? dropped : picked,
    activation: activation === "" ? undefined : activation,
    backend: data.get("backend") as BackendName,
    precision: data.get("precision") as Precision,
    threads: threads > 0 ? threads : undefined,
    hub: new URLSearchParams(location.search).get("hub") ?? undefined,
    offline: !navigator.onLine,
  };
}

/** Wires the form up, with what the page's address says. */
export function modelPanel(app: App): void {
  const { elements } = form();
  const [files, name, backend] = ["files", "model", "backend"].map(
    (each) => elements.namedItem(each) as HTMLInputElement,
  ) as [HTMLInputElement, HTMLInputElement, HTMLInputElement];
  const asked = new URLSearchParams(location.search);
  name.value = asked.get("model") ?? name.value;
  if (Object.hasOwn(CHOICES, asked.get("backend") ?? "")) backend.value = asked.get("backend")!;
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    void loadModel(app);
  });
  find("#stop").addEventListener("click", () => void app.engine.stop());
  // A name that is typed means that name, whatever files were picked before.
  name.addEventListener("input", () => (files.value = ""));
  backend.addEventListener("change", offerChoices);
  offerChoices();
  find("#settings").addEventListener("toggle", () => void offerWebgpu(), { once: true });
  app.onLatency = (milliseconds) =>
    (find("#latency").textContent = `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`);
}

/** Only what the backend can do. */
function offerChoices(): void {
  const { elements } = form();
  const { precisions, threads } =
    CHOICES[(elements.namedItem("backend") as HTMLSelectElement).value as BackendName];
  const precision = elements.namedItem("precision") as HTMLSelectElement;
  for (const option of precision.options) option.disabled = !precisions.includes(option.value as Precision);
  if (precision.selectedOptions[0]?.disabled !== false) precision.value = precisions[0]!;
  (elements.namedItem("threads") as HTMLInputElement).disabled = !threads;
}

/** Says why there is no WebGPU, where there is none. Asked when the form is first seen: adapters take a moment. */
async function offerWebgpu(): Promise<void> {
  const why = await whyNoWebgpu();
  if (why === undefined) return;
  form().querySelector<HTMLOptionElement>('option[value="webgpu"]')!.disabled = true;
  const hint = find("#webgpu-missing");
  hint.textContent = why;
  hint.hidden = false;
}
