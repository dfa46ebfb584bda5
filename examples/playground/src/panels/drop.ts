/** Files that are dropped anywhere on the page: a checkpoint, or a user's own pictures. */

/** An npy file holds embeddings, and images are thumbnails; everything else belongs to a checkpoint. */
const isPictures = ({ name, type }: File): boolean => name.endsWith(".npy") || type.startsWith("image/");

/** Wires dropping up. */
export function dropping(take: {
  readonly checkpoint: (files: readonly File[]) => void;
  readonly pictures: (files: readonly File[]) => void;
}): void {
  const isOver = (over: boolean): void => void document.body.classList.toggle("dropping", over);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    isOver(true);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) isOver(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    isOver(false);
    const dropped = [...(event.dataTransfer?.files ?? [])];
    if (dropped.length === 0) return;
    (dropped.some(isPictures) ? take.pictures : take.checkpoint)(dropped);
  });
}
