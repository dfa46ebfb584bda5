/** The playground: panels around one encoder, which works in a worker. */
import { App } from "./app.js";
import { fail, find } from "./dom.js";
import { ClassifyPanel } from "./panels/classify.js";
import { comparePanel } from "./panels/compare.js";
import { dropping } from "./panels/drop.js";
import { loadModel, modelPanel } from "./panels/model.js";
import { ownPicturesPanel } from "./panels/own-pictures.js";
import { SearchPanel } from "./panels/search.js";
import { tabs } from "./panels/tabs.js";
import { tokensPanel } from "./panels/tokens.js";
import { shapes } from "./pictures.js";

async function main(): Promise<void> {
  tabs();
  const app = new App();
  modelPanel(app);
  const loading = loadModel(app);
  const gallery = await shapes();
  const search = new SearchPanel(app, gallery);
  await loading;
  await search.first(); // it is what is seen; everything else waits for it
  const classify = new ClassifyPanel(app, gallery);
  const takePictures = ownPicturesPanel(gallery, (pictures) => {
    search.show(pictures);
    classify.show(pictures);
  });
  dropping({ checkpoint: (files) => void loadModel(app, files), pictures: takePictures });
  comparePanel(app);
  tokensPanel(app);
  app.announce();
  await keepForOffline();
}

/** Once everything is there: keeps it for days without a network. Browsers without service workers go without. */
async function keepForOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  await navigator.serviceWorker.register("sw.js");
  const { active } = await navigator.serviceWorker.ready;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data === "kept") find("#offline").textContent = "This page is kept: it opens without a network.";
  });
  active?.postMessage("keep");
}

main().catch(fail);
