/** Which model runs, and on what: the form, its progress, dropped files. */
import type { Precision } from "@textower/graph";
import type { Activation } from "@textower/weights";
import type { App } from "../app.js";
import { fail, find, make } from "../dom.js";
import type { BackendName, ModelChoice } from "../protocol.js";

/** Loads what the form says. Shows why where it does not work; the model before goes on then. */
export async function loadModel(app: App, dropped: readonly File[] = []): Promise<void> {
  const form = find<HTMLFormElement>("#model-form");
  const button = form.querySelector("button")!;
  const progress = find<HTMLProgressElement>("#loading");
  const running = find("#running");
  const choice = choiceOf(form, dropped);
  const before = running.textContent;
  button.disabled = true;
  progress.hidden = false;
  progress.removeAttribute("value");
  fail(undefined);
  let isLoading = true; // messages of the worker may come late
  try {
    const model = await app.load(choice, (doing, done) => {
      if (!isLoading) return;
      progress.value = done;
      running.textContent = `${doing}: ${Math.round(done * 100)} %`;
    });
    isLoading = false;
    const threads = model.threads === 1 ? "1 thread" : `${model.threads} threads`;
    running.textContent = `${model.name} on ${model.device}, ${model.precision}, ${threads}`;
    find("#notes").replaceChildren(...model.notes.map((note) => make("li", {}, note)));
  } catch (error) {
    isLoading = false;
    running.textContent = before;
    fail(error);
  } finally {
    button.disabled = false;
    progress.hidden = true;
  }
}

function choiceOf(form: HTMLFormElement, dropped: readonly File[]): ModelChoice {
  const data = new FormData(form);
  const picked = data.getAll("files").filter((each): each is File => each instanceof File && each.size > 0);
  const threads = Number(data.get("threads"));
  const activation = data.get("activation") as Activation | "";
  return {
    model: String(data.get("model")).trim(),
    files: dropped.length > 0 ? dropped : picked,
    activation: activation === "" ? undefined : activation,
    backend: data.get("backend") as BackendName,
    precision: data.get("precision") as Precision,
    threads: threads > 0 ? threads : undefined,
  };
}

/** Wires form and dropping up. */
export function modelPanel(app: App): void {
  const form = find<HTMLFormElement>("#model-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void loadModel(app);
  });
  // A name that is typed means that name, whatever files were picked before.
  const files = form.elements.namedItem("files") as HTMLInputElement;
  const name = form.elements.namedItem("model") as HTMLInputElement;
  name.addEventListener("input", () => (files.value = ""));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const dropped = [...(event.dataTransfer?.files ?? [])];
    if (dropped.length > 0) void loadModel(app, dropped);
  });
  if (!("gpu" in navigator)) {
    const option = form.querySelector<HTMLOptionElement>('option[value="webgpu"]')!;
    option.disabled = true;
    option.textContent = "WebGPU (this browser has none)";
  }
}
