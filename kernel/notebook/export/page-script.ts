/** What the report's page does by itself: draw the figures, in the colours of the reader's theme. */

/** The part of plotly that the page uses. */
interface Plotly {
  newPlot(place: HTMLElement, data: unknown, layout: object, config: object): Promise<unknown>;
  relayout(place: HTMLElement, change: object): Promise<unknown>;
}

/**
 * Runs in the reader's browser: put into the page as source text, so it uses nothing from outside itself. A figure
 * is drawn when it comes near the screen; its picture stays if that fails, and comes back for printing.
 */
export function drawFigures(plotly: Plotly): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn: { place: HTMLElement; layout: Record<string, unknown> }[] = [];
  const themed = (layout: Record<string, unknown>): Record<string, unknown> => {
    const line = dark.matches ? "#555" : "#ddd";
    const change: Record<string, unknown> = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": dark.matches ? "#e6e6e6" : "#222222",
    };
    const axes = new Set([
      "xaxis",
      "yaxis",
      ...Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name)),
    ]);
    for (const axis of axes) {
      change[`${axis}.gridcolor`] = line;
      change[`${axis}.zerolinecolor`] = line;
    }
    return change;
  };
  const draw = async (figure: HTMLElement): Promise<void> => {
    const source = document.querySelector(`script[data-figure="${figure.dataset["figure"]}"]`);
    const { data, layout } = JSON.parse(source?.textContent ?? "{}");
    const place = document.createElement("div");
    place.className = "interactive";
    place.style.height = `${layout?.height ?? 450}px`;
    figure.prepend(place);
    try {
      await plotly.newPlot(
        place,
        data,
        { ...layout, autosize: true, width: undefined },
        { responsive: true, displaylogo: false },
      );
      await plotly.relayout(place, themed(layout ?? {}));
      figure.classList.add("drawn");
      drawn.push({ place, layout: layout ?? {} });
    } catch {
      place.remove();
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        void draw(target as HTMLElement);
      }
    },
    { rootMargin: "600px" },
  );
  for (const figure of document.querySelectorAll("figure.plot")) observer.observe(figure);
  dark.addEventListener("change", () => {
    for (const { place, layout } of drawn) void plotly.relayout(place, themed(layout));
  });
}
