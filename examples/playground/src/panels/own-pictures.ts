/** A user's own pictures: a file of their vectors, and thumbnails. */
import { fail, find } from "../dom.js";
import { ownPictures } from "../pictures.js";
import type { Pictures } from "../pictures.js";

/**
 * Wires the panel up.
 * @param show - called with the pictures to search from now on
 * @returns what takes files as if they had been picked
 */
export function ownPicturesPanel(
  shapes: Pictures,
  show: (pictures: Pictures) => void,
): (files: readonly File[]) => void {
  const file = find<HTMLInputElement>("#embedding-file");
  const thumbnails = find<HTMLInputElement>("#thumbnails");
  const status = find("#pictures-status");
  const back = find<HTMLButtonElement>("#show-shapes");
  const search = find<HTMLButtonElement>("#search-them");
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
      status.textContent = `${pictures.entries.length} pictures, ${pictures.vectors.width} numbers each.`;
      back.hidden = search.hidden = false;
      show(pictures);
    } catch (error) {
      fail(error);
    }
  };
  file.addEventListener("change", () => void read());
  thumbnails.addEventListener("change", () => void read());
  search.addEventListener("click", () => find("#tab-search").click());
  back.addEventListener("click", () => {
    release();
    [file.value, thumbnails.value, status.textContent] = ["", "", ""];
    back.hidden = search.hidden = true;
    show(shapes);
  });
  return (files) => {
    const isImage = ({ type }: File): boolean => type.startsWith("image/");
    const [images, vectors] = [files.filter(isImage), files.filter((each) => !isImage(each))];
    if (images.length > 0) thumbnails.files = asList(images);
    if (vectors.length > 0) file.files = asList(vectors.slice(0, 1));
    find("#tab-pictures").click();
    void read();
  };
}

function asList(files: readonly File[]): FileList {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer.files;
}
