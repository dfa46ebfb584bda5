/** Tabs, as ARIA's authoring practices have them: arrows move between them, the panel is named by its tab. */
import { find } from "../dom.js";

/** Wires the tabs up and shows the one that the address names, or the first. */
export function tabs(): void {
  const all = [...document.querySelectorAll<HTMLButtonElement>('[role="tab"]')];
  const select = (chosen: HTMLButtonElement, focus: boolean): void => {
    for (const tab of all) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      find(`#${tab.getAttribute("aria-controls")}`).hidden = !isChosen;
    }
    if (focus) chosen.focus();
  };
  all.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab, false));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      const next =
        key === "Home" ? 0 : key === "End" ? all.length - 1 : step === undefined ? undefined : i + step;
      if (next !== undefined) select(all[(next + all.length) % all.length]!, true);
    });
  });
  select(all.find((tab) => location.hash === `#${tab.getAttribute("aria-controls")}`) ?? all[0]!, false);
}
