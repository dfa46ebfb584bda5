/** A user's own pictures: a file of their vectors, and thumbnails. */
import { fail, find } from "../dom.js";
import { ownPictures } from "../pictures.js";
import type { Pictures } from "../pictures.js";

/** Wires the panel up. @param show - called with the pictures to search from now on */
export function ownPicturesPanel(shapes: Pictures, show: (pictures: Pictures) => void): void {
  const file = find<HTMLInputElement>("#embedding-file");
  const thumbnails = find<HTMLInputElement>("#thumbnails");
  const status = find("#pictures-status");
  const back = find<HTMLButtonElement>("#show-shapes");
  let addresses: string[] = [];
  const release = (): void => {
    for (const address of addresses) URL.revokeObjectURL(address);
    addresses = [];
  };
  const read = async (): Promise<void> => {
    const chosen = file.files?.[0];
    if (chosen === undefined) return;
    fail(undefined);
    try {
      const pictures = await ownPictures(chosen, [...(thumbnails.files ?? [])]);
      release();
      addresses = pictures.entries.map(({ address }) => address).filter((address) => address !== "");
      status.textContent = `${pictures.entries.length} pictures, ${pictures.vectors.width} numbers each: search them.`;
      back.hidden = false;
      show(pictures);
    } catch (error) {
      fail(error);
    }
  };
  file.addEventListener("change", () => void read());
  thumbnails.addEventListener("change", () => void read());
  back.addEventListener("click", () => {
    release();
    [file.value, thumbnails.value, status.textContent, back.hidden] = ["", "", "", true];
    show(shapes);
  });
}
