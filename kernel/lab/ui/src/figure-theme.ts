/** Colours for figures that bring none: one Plotly template for light themes and one for dark ones. */

interface Palette {
  readonly text: string;
  readonly grid: string;
  readonly zero: string;
  readonly colorway: readonly string[];
}

// Okabe and Ito's colours, which the colour-blind can tell apart; the order and the lightness of a few
// differ, so that each has at least 3:1 against its background.
const light: Palette = {
  text: "#2a2a2a",
  grid: "#e3e3e3",
  zero: "#b0b0b0",
  colorway: ["#0072b2", "#d55e00", "#00835f", "#b2568f", "#2a8fc4", "#a87900", "#2a2a2a"],
};
const dark: Palette = {
  text: "#dedede",
  grid: "#3c3c3c",
  zero: "#6a6a6a",
  colorway: ["#56b4e9", "#e69f00", "#22b58c", "#d88fb9", "#f0e442", "#ef7f3a", "#dedede"],
};

/** A figure's JSON with the colours that it names for dark pages (`meta.dark`), bands and bars (`rgba(…)`) included. */
export function brighten(figure: string, colours: Readonly<Record<string, unknown>>): string {
  return Object.entries(colours).reduce((text, [dim, bright]) => {
    if (![dim, bright].every((colour) => /^#[0-9a-f]{6}$/i.test(String(colour)))) return text;
    const solid = text.replaceAll(new RegExp(`"${dim}"(?!:)`, "gi"), `"${bright}"`);
    return solid.replaceAll(`"rgba(${channels(dim)},`, `"rgba(${channels(String(bright))},`);
  }, figure);
}

const channels = (colour: string): string =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(", ");

/** The template for a figure on a light or a dark page; its background is the page's own. */
export function template(isDark: boolean): Readonly<Record<string, unknown>> {
  const { text, grid, zero, colorway } = isDark ? dark : light;
  const axis = {
    gridcolor: grid,
    linecolor: zero,
    zerolinecolor: zero,
    tickcolor: zero,
    automargin: true,
    title: { font: { size: 13 } },
  };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: text, family: "system-ui, sans-serif", size: 13 },
      title: { x: 0.02, xanchor: "left" },
      colorway,
      xaxis: axis,
      yaxis: axis,
      legend: { bgcolor: "rgba(0,0,0,0)" },
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
      // The buttons stand over the title of a narrow figure while they are shown.
      modebar: {
        bgcolor: isDark ? "#111111" : "#ffffff",
        color: isDark ? "#a0a0a0" : "#8a8a8a",
        activecolor: text,
      },
      colorscale: {
        sequential: "Viridis",
        sequentialminus: "Viridis",
        diverging: [
          [0, "#2166ac"],
          [0.5, isDark ? "#3a3a3a" : "#f7f7f7"],
          [1, "#b2182b"],
        ],
      },
    },
  };
}
