/** A model's graph, drawn from left to right in the order in which it computes. */
import { AssayError } from "../errors.js";
import { fedInputs, type Model, type Node, readsOf, sortNodes } from "../onnx/index.js";
import type { Figure } from "./figure.js";
import { colourOf, layout } from "./style.js";

/** Nodes beyond which a drawing shows nothing any more. */
const MAX_NODES = 150;
/** Rounds of moving nodes next to their neighbours. */
const SWEEPS = 8;

/** How {@link modelGraph} draws. */
export interface ModelGraphOptions {
  readonly title?: string;
  /** A model from which this one was made: drawn above it, and what is new below has its own colour. */
  readonly before?: Model;
}

/** A bend is where an arrow passes a layer between two places. */
type Kind = "input" | "weight" | "operator" | "new" | "output" | "bend";
type Drawn = Exclude<Kind, "bend">;

interface Place {
  readonly id: string;
  readonly label: string;
  readonly kind: Kind;
  layer: number;
  row: number;
}

interface Drawing {
  readonly places: readonly Place[];
  readonly edges: readonly (readonly [Place, Place])[];
}

const looks: Readonly<
  Record<Drawn, { readonly name: string; readonly colour: string; readonly symbol: string }>
> = {
  input: { name: "input", colour: colourOf(4), symbol: "circle" },
  weight: { name: "weight", colour: colourOf(6), symbol: "circle" },
  operator: { name: "operator", colour: colourOf(0), symbol: "square" },
  new: { name: "new operator", colour: colourOf(1), symbol: "square" },
  output: { name: "output", colour: colourOf(2), symbol: "circle" },
};

/**
 * Draws the operators, inputs, weights and outputs of a model of up to 150 nodes. Left out are the constants of
 * formulas, and Identity nodes.
 *
 * @param options.before A model that this one was made from, such as the one whose gradient it computes.
 * @throws AssayError TOO_LARGE with the number of nodes.
 * @example
 * plots.modelGraph(onnx.gradientGraph(model, { of: { y: "c" }, wrt: ["x"] }).model, { before: model })
 */
export function modelGraph(model: Model, { title, before }: ModelGraphOptions = {}): Figure {
  const known = new Set((before ?? model).graph.nodes.flatMap(({ outputs }) => outputs));
  const panels = [...(before ? [drawingOf(before, known)] : []), drawingOf(model, known)];
  const rowsOf = ({ places }: Drawing): number => 1 + Math.max(0, ...places.map(({ row }) => row));
  const columns = 1 + Math.max(...panels.flatMap(({ places }) => places.map(({ layer }) => layer)));
  const rows = panels.reduce((sum, panel) => sum + rowsOf(panel), 0);
  const shares = panels.map((panel) => rowsOf(panel) / rows);
  const axes = Object.fromEntries(
    panels.flatMap((panel, i) => {
      const top = 1 - shares.slice(0, i).reduce((sum, share) => sum + share, 0);
      const gap = panels.length > 1 ? 0.04 : 0;
      const hidden = { title: { text: "" }, visible: false, fixedrange: true };
      return [
        [
          `xaxis${i ? i + 1 : ""}`,
          { ...hidden, range: [-0.6, columns - 0.4], anchor: i ? `y${i + 1}` : "y" },
        ],
        [
          `yaxis${i ? i + 1 : ""}`,
          {
            ...hidden,
            range: [rowsOf(panel) - 0.3, -0.6],
            domain: [Math.max(0, top - shares[i]!) + gap, top],
          },
        ],
      ] as const;
    }),
  );
  const used = (Object.keys(looks) as Drawn[]).filter((kind) =>
    panels.some(({ places }) => places.some((place) => place.kind === kind)),
  );
  const operators = ({ graph }: Model): Node[] => graph.nodes.filter(({ opType }) => opType !== "Identity");
  const own = operators(model);
  return {
    kind: "figure",
    data: panels.flatMap((panel, i) => traces(panel, i, used)),
    layout: layout(title ?? (before ? "Before and after" : (model.graph.name ?? "Model")), {
      width: Math.max(480, 110 * columns),
      height: 110 + 70 * rows,
      margin: { l: 10, r: 10, t: 44, b: 10 },
      annotations: panels.flatMap((panel, i) => arrows(panel, i)),
      ...axes,
    }),
    description: [
      `${own.length} operators: ${[...new Set(own.map(({ opType }) => opType))].sort().join(", ")}.`,
      ...(before ? [`Made from the ${operators(before).length} that are drawn above.`] : []),
    ].join("\n"),
  };
}

function drawingOf({ graph }: Model, known: ReadonlySet<string>): Drawing {
  if (graph.nodes.length > MAX_NODES) {
    throw new AssayError(
      "TOO_LARGE",
      `modelGraph: ${graph.nodes.length} nodes are more than the ${MAX_NODES} that can be told apart. Draw a part of the model.`,
      { nodes: graph.nodes.length },
    );
  }
  const nodes = sortNodes(graph.nodes);
  const places = new Map<string, Place>();
  const makers = new Map<string, Place>();
  const edges: (readonly [Place, Place])[] = [];
  const add = (id: string, label: string, kind: Kind, layer: number): Place => {
    const place = { id, label, kind, layer, row: 0 };
    places.set(id, place);
    return place;
  };
  for (const { name } of fedInputs(graph)) makers.set(name, add(`input ${name}`, name, "input", 0));
  for (const { name = "", dataType, dims } of graph.initializers) {
    // Shapes, axes and numbers of formulas are no weights.
    if (Number(dataType) <= 1 && dims.length > 0) makers.set(name, add(`weight ${name}`, name, "weight", 0));
  }
  nodes.forEach((node, i) => {
    const from = sourcesOf(node, makers);
    if (node.opType === "Identity" && from.length === 1) {
      makers.set(node.outputs[0]!, from[0]!);
      return;
    }
    const layer = 1 + Math.max(-1, ...from.map((place) => place.layer));
    const isKnown = node.outputs.some((name) => known.has(name));
    const place = add(`node ${i}`, node.opType, isKnown ? "operator" : "new", layer);
    for (const source of from) edges.push([source, place]);
    for (const name of node.outputs) if (name !== "") makers.set(name, place);
  });
  for (const { name } of graph.outputs) {
    const maker = makers.get(name);
    if (maker === undefined) continue;
    edges.push([maker, add(`output ${name}`, name, "output", maker.layer + 1)]);
  }
  const all = [...places.values()].filter((place) => edges.some((edge) => edge.includes(place)));
  // What is read later stands next to its first reader, so that arrows stay short.
  for (const place of all) {
    if (place.kind !== "weight" && place.kind !== "input") continue;
    const readers = edges.filter(([from]) => from === place).map(([, to]) => to.layer);
    place.layer = Math.max(0, Math.min(...readers) - 1);
  }
  const bent = edges.flatMap(([from, to]) => withBends(from, to, all));
  arrange(all, bent);
  return { places: all, edges: bent };
}

/** An arrow over several layers, in pieces that each pass one: what lies between makes room for it. */
function withBends(from: Place, to: Place, all: Place[]): [Place, Place][] {
  const pieces: [Place, Place][] = [];
  let at = from;
  for (let layer = from.layer + 1; layer < to.layer; layer++) {
    const bend: Place = { id: `${from.id} to ${to.id}, ${layer}`, label: "", kind: "bend", layer, row: 0 };
    all.push(bend);
    pieces.push([at, bend]);
    at = bend;
  }
  pieces.push([at, to]);
  return pieces;
}

const sourcesOf = (node: Node, makers: ReadonlyMap<string, Place>): Place[] => [
  ...new Set(readsOf(node).flatMap((name) => makers.get(name) ?? [])),
];

/** Rows within layers: each place moves to the mean of its neighbours, and free rows keep them apart. */
function arrange(places: readonly Place[], edges: readonly (readonly [Place, Place])[]): void {
  const layers = new Map<number, Place[]>();
  for (const place of places) {
    const layer = layers.get(place.layer) ?? [];
    layers.set(place.layer, [...layer, place]);
    place.row = layer.length;
  }
  const neighbours = new Map(
    places.map((place) => [
      place,
      edges.flatMap(([from, to]) => (from === place ? [to] : to === place ? [from] : [])),
    ]),
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of layers.values()) {
      const wish = new Map(
        layer.map((place) => {
          const near = neighbours.get(place)!;
          return [place, near.reduce((sum, other) => sum + other.row, 0) / Math.max(1, near.length)];
        }),
      );
      layer.sort((a, b) => wish.get(a)! - wish.get(b)! || a.row - b.row);
      let next = 0;
      for (const place of layer) {
        place.row = Math.max(next, Math.round(wish.get(place)!));
        next = place.row + 1;
      }
    }
  }
  const least = Math.min(...places.map(({ row }) => row));
  for (const place of places) place.row -= least;
}

function traces(
  { places, edges }: Drawing,
  panel: number,
  used: readonly Drawn[],
): Record<string, unknown>[] {
  const suffix = panel ? String(panel + 1) : "";
  return used.map((kind) => {
    const own = places.filter((place) => place.kind === kind);
    const { name, colour, symbol } = looks[kind];
    return {
      type: "scatter",
      mode: "markers+text",
      name,
      legendgroup: kind,
      showlegend: panel === 0,
      // A trace of nothing still stands in the legend, for what only the second panel has.
      x: own.length > 0 ? own.map(({ layer }) => layer) : [null],
      y: own.length > 0 ? own.map(({ row }) => row) : [null],
      text: own.map(({ label }) => label),
      // Away from the arrows: a name below its place would be crossed by those that lead down.
      textposition: own.map((place) =>
        edges.some((edge) => leadsDown(edge, place)) ? "top center" : "bottom center",
      ),
      hoverinfo: "text",
      marker: { color: colour, symbol, size: 16 },
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
      cliponaxis: false,
    };
  });
}

const leadsDown = ([from, to]: readonly [Place, Place], place: Place): boolean =>
  (from === place && to.row > place.row) || (to === place && from.row > place.row);

function arrows({ edges }: Drawing, panel: number): Record<string, unknown>[] {
  const suffix = panel ? String(panel + 1) : "";
  return edges.map(([from, to]) => ({
    x: to.layer,
    y: to.row,
    ax: from.layer,
    ay: from.row,
    xref: `x${suffix}`,
    yref: `y${suffix}`,
    axref: `x${suffix}`,
    ayref: `y${suffix}`,
    text: "",
    showarrow: true,
    arrowhead: to.kind === "bend" ? 0 : 3,
    arrowsize: 1,
    arrowwidth: 1.2,
    arrowcolor: colourOf(6),
    standoff: to.kind === "bend" ? 0 : 10,
    startstandoff: from.kind === "bend" ? 0 : 10,
  }));
}
