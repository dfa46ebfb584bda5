/**
 * A report as bars, drawn by ECharts: as an SVG text without a page, or into an element of one.
 */
import { BarChart } from "echarts/charts";
import { GridComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import type { ECBasicOption } from "echarts/types/dist/shared";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";
import type { BenchmarkReport, ContestantResult } from "./report.js";

/** One panel: what it shows, and which direction is good. */
const PANELS: readonly {
  readonly title: string;
  readonly value: (result: ContestantResult) => number | undefined;
}[] = [
  { title: "one prompt, ms (p50): less is better", value: ({ prompt }) => prompt?.p50 },
  {
    title: "captions per second: more is better",
    value: ({ captions }) => captions?.promptsPerSecond.median,
  },
  { title: "head, prompts per second: more is better", value: ({ head }) => head?.promptsPerSecond.median },
];
const ROW_HEIGHT = 26;
const PANEL_HEAD = 56;
const LABEL_WIDTH = 220;

/** Colours of a chart: light or dark. */
export type ChartTheme = "light" | "dark";

const COLOURS = {
  light: { text: "#1d2733", bar: "#2f6fb5", background: "#ffffff" },
  dark: { text: "#e6edf3", bar: "#6cb0f5", background: "#11161c" },
} as const;

/** Panels that a report has something for. */
function panelsOf({ contestants }: BenchmarkReport): { title: string; names: string[]; values: number[] }[] {
  return PANELS.map(({ title, value }) => {
    const shown = contestants
      .filter(({ error }) => error === undefined)
      .map((result) => ({ name: result.name, value: value(result) }))
      .filter((each): each is { name: string; value: number } => each.value !== undefined);
    return { title, names: shown.map(({ name }) => name), values: shown.map((each) => each.value) };
  }).filter(({ names }) => names.length > 0);
}

/** Height of a report's chart in pixels. */
export function chartHeight(report: BenchmarkReport): number {
  return panelsOf(report).reduce((sum, { names }) => sum + PANEL_HEAD + names.length * ROW_HEIGHT, 20);
}

function optionOf(report: BenchmarkReport, theme: ChartTheme): ECBasicOption {
  const { text, bar, background } = COLOURS[theme];
  let top = 0;
  const panels = panelsOf(report).map((panel) => {
    const height = panel.names.length * ROW_HEIGHT;
    const placed = { ...panel, top, height };
    top += PANEL_HEAD + height;
    return placed;
  });
  return {
    animation: false,
    backgroundColor: background,
    textStyle: { color: text, fontFamily: "system-ui, sans-serif" },
    title: panels.map(({ title, top }) => ({
      text: title,
      top: top + 16,
      left: 16,
      textStyle: { fontSize: 14, fontWeight: 600, color: text },
    })),
    grid: panels.map(({ top, height }) => ({
      top: top + PANEL_HEAD - 8,
      height,
      left: LABEL_WIDTH,
      right: 70,
    })),
    xAxis: panels.map((_, i) => ({
      gridIndex: i,
      type: "value",
      axisLabel: { show: false },
      splitLine: { show: false },
    })),
    yAxis: panels.map(({ names }, i) => ({
      gridIndex: i,
      type: "category",
      inverse: true,
      data: names,
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: text, width: LABEL_WIDTH - 24, overflow: "truncate" },
    })),
    series: panels.map(({ values }, i) => ({
      type: "bar",
      xAxisIndex: i,
      yAxisIndex: i,
      data: values.map((value) => Number(value.toPrecision(3))),
      barWidth: 16,
      itemStyle: { color: bar, borderRadius: [0, 3, 3, 0] },
      label: { show: true, position: "right", color: text },
    })),
  };
}

/** An SVG document, with the colours of a light page. */
export function reportChart(report: BenchmarkReport, width = 760): string {
  use([BarChart, GridComponent, TitleComponent, SVGRenderer]);
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height: chartHeight(report) });
  chart.setOption(optionOf(report, "light"));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** A chart in a page. */
export interface DrawnChart {
  /** The picture as a PNG, as an address with its data. */
  png(): string;
  dispose(): void;
}

/** Draws into an element, whose content it replaces; the caller disposes of it. */
export function drawChart(element: HTMLElement, report: BenchmarkReport, theme: ChartTheme): DrawnChart {
  use([BarChart, GridComponent, TitleComponent, CanvasRenderer]);
  element.style.height = `${chartHeight(report)}px`;
  const chart = init(element, null, { renderer: "canvas", height: chartHeight(report) });
  chart.setOption(optionOf(report, theme));
  const resize = (): void => chart.resize();
  window.addEventListener("resize", resize);
  return {
    png: () => chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: COLOURS[theme].background }),
    dispose: () => {
      window.removeEventListener("resize", resize);
      chart.dispose();
    },
  };
}
