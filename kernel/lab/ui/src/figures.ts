/** Draws `application/vnd.plotly.v1+json` with the bundled Plotly, in the colours of the theme. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IThemeManager } from "@jupyterlab/apputils";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { Widget } from "@lumino/widgets";
import { brighten, template } from "./figure-theme.js";

const mimeType = "application/vnd.plotly.v1+json";

interface Plotly {
  react(node: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<unknown>;
  relayout(node: HTMLElement, change: object): Promise<unknown>;
  purge(node: HTMLElement): void;
}

interface FigureData {
  readonly data?: unknown;
  readonly layout?: Readonly<Record<string, unknown>>;
}

/** What a figure says of narrow places and dark pages. */
interface Meta {
  readonly narrow?: unknown;
  readonly dark?: Readonly<Record<string, unknown>>;
}

/** What a reader may do with a figure; the figure itself has no say, since it may come from a stranger. */
const config = { displaylogo: false, responsive: false, modeBarButtonsToRemove: ["sendDataToCloud"] };

const defaultHeightPixels = 420;

/** A figure that gets less of its width than this is changed as its `meta.narrow` says. */
const narrowShare = 0.7;

class FigureRenderer extends Widget implements IRenderMime.IRenderer {
  #figure: FigureData | undefined;
  #plotly: Plotly | undefined;
  /** Of the place in which it was drawn; 0 in a notebook that is not in view. */
  #width = 0;
  readonly #observer = new ResizeObserver(() => this.#fit());
  readonly #themes: IThemeManager | null;

  constructor(themes: IThemeManager | null) {
    super();
    this.#themes = themes;
    this.addClass("assay-Figure");
    themes?.themeChanged.connect(this.#redraw, this);
    this.#observer.observe(this.node);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#figure = model.data[mimeType] as FigureData;
    this.node.setAttribute("role", "figure");
    const description = model.data["text/plain"];
    if (typeof description === "string") this.node.setAttribute("aria-label", description);
    this.#plotly ??= ((await import("plotly.js-cartesian-dist-min")) as { default: Plotly }).default;
    await this.#redraw();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#observer.disconnect();
    this.#themes?.themeChanged.disconnect(this.#redraw, this);
    this.#plotly?.purge(this.node);
    super.dispose();
  }

  async #redraw(): Promise<void> {
    if (!this.#plotly || !this.#figure || this.isDisposed) return;
    const isDark = this.#themes?.theme ? !this.#themes.isLight(this.#themes.theme) : false;
    // A copy: Plotly writes into what it is given, and the model is what will be saved.
    const text = JSON.stringify(this.#figure);
    const { narrow, dark } = (this.#figure.layout?.["meta"] ?? {}) as Meta;
    const { data = [], layout = {} } = JSON.parse(isDark ? brighten(text, dark ?? {}) : text) as FigureData;
    this.#width = this.node.offsetWidth;
    const themed = {
      uirevision: "kept",
      height: defaultHeightPixels,
      ...layout,
      // As wide as it wants to be, but never wider than its place.
      ...(this.#width > 0 && { width: Math.min(Number(layout["width"] ?? this.#width), this.#width) }),
      template: layout["template"] ?? template(isDark),
    };
    await this.#plotly.react(this.node, data, themed, config);
    if (typeof narrow === "object" && narrow && this.#width < narrowShare * Number(layout["width"])) {
      await this.#plotly.relayout(this.node, narrow);
    }
  }

  #fit(): void {
    const width = this.node.offsetWidth;
    if (width > 0 && width !== this.#width) void this.#redraw();
  }
}

/** Takes precedence over every other representation of the same output. */
export const figures: JupyterFrontEndPlugin<void> = {
  id: "assay:figures",
  description: "Draws Plotly figures without the network.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [IThemeManager],
  activate: (_app: JupyterFrontEnd, registry: IRenderMimeRegistry, themes: IThemeManager | null) => {
    // Without a mouse there is no hovering: a figure shows its buttons when it was touched last.
    document.addEventListener(
      "pointerdown",
      ({ target }) => {
        for (const figure of document.querySelectorAll(".assay-Figure"))
          figure.classList.toggle("assay-mod-touched", figure.contains(target as Node));
      },
      { capture: true },
    );
    registry.addFactory(
      { safe: true, mimeTypes: [mimeType], createRenderer: () => new FigureRenderer(themes) },
      0,
    );
  },
};
