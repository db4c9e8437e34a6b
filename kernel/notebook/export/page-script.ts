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
  interface Drawn {
    readonly place: HTMLElement;
    readonly data: unknown;
    readonly layout: Record<string, unknown>;
  }
  const drawn: Drawn[] = [];
  const themed = (layout: Record<string, unknown>): Record<string, unknown> => {
    const line = dark.matches ? "#555" : "#ddd";
    const page = getComputedStyle(document.body);
    const change: Record<string, unknown> = {
      // The buttons stand over the title of a narrow figure while they are shown.
      "modebar.bgcolor": page.backgroundColor,
      "modebar.color": dark.matches ? "#a9a9b5" : "#8a8a95",
      "modebar.activecolor": page.color,
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
  // As wide as it wants to be, but never wider than its place; much narrower, it changes as it says itself.
  const fitted = (layout: Record<string, unknown>, room: number): Record<string, unknown> => {
    const wanted = Number(layout["width"] ?? room);
    const { narrow } = (layout["meta"] ?? {}) as { narrow?: Record<string, unknown> };
    return { ...(room < 0.7 * wanted && narrow), width: Math.min(wanted, room) };
  };
  const channels = (colour: string): string =>
    [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(", ");
  // The colours that a figure names for dark pages, bands and bars included; a copy, since plotly writes into it.
  const coloured = (figure: Pick<Drawn, "data" | "layout">): Pick<Drawn, "data" | "layout"> => {
    const { dark: colours } = (figure.layout["meta"] ?? {}) as { dark?: Record<string, string> };
    let text = JSON.stringify(figure);
    for (const [dim, bright] of Object.entries(dark.matches ? (colours ?? {}) : {})) {
      if (![dim, bright].every((colour) => /^#[0-9a-f]{6}$/i.test(colour))) continue;
      text = text
        .replaceAll(new RegExp(`"${dim}"(?!:)`, "gi"), `"${bright}"`)
        .replaceAll(`"rgba(${channels(dim)},`, `"rgba(${channels(bright)},`);
    }
    return JSON.parse(text);
  };
  const show = async ({ place, ...figure }: Drawn): Promise<void> => {
    const { data, layout } = coloured(figure);
    await plotly.newPlot(place, data, layout, { displaylogo: false });
    await plotly.relayout(place, { ...themed(layout), ...fitted(figure.layout, place.clientWidth) });
  };
  const draw = async (figure: HTMLElement): Promise<void> => {
    const source = document.querySelector(`script[data-figure="${figure.dataset["figure"]}"]`);
    const { data, layout } = JSON.parse(source?.textContent ?? "{}");
    const place = document.createElement("div");
    place.className = "interactive";
    figure.prepend(place);
    const one = { place, data, layout: { height: 450, ...layout } };
    try {
      await show(one);
      figure.classList.add("drawn");
      drawn.push(one);
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
  // Without a mouse there is no hovering, and plotly shows its buttons for good: only a figure that was touched last
  // keeps them. Asked once, as plotly does.
  if (matchMedia("(hover: none)").matches) document.documentElement.classList.add("no-hover");
  addEventListener(
    "pointerdown",
    ({ target }) => {
      for (const { place } of drawn) place.classList.toggle("touched", place.contains(target as Node));
    },
    { capture: true },
  );
  dark.addEventListener("change", () => {
    for (const one of drawn) void show(one);
  });
  let pause = 0;
  addEventListener("resize", () => {
    clearTimeout(pause);
    pause = setTimeout(() => drawn.forEach((one) => void show(one)), 200) as unknown as number;
  });
}
