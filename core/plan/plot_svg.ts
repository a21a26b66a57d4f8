/**
 * Lays boxes out in layers and draws them as SVG.
 *
 * The layer of a box is the longest way to it, so arrows point down. It knows
 * boxes and arrows only, nothing of plans.
 */

export interface Box {
  readonly id: string;
  readonly title: string;
  readonly lines: readonly string[];
  /** Drawn with a heavier border. */
  readonly isOutput: boolean;
}

/** Boxes come before those that their arrows point to. */
export interface Drawing {
  readonly boxes: readonly Box[];
  readonly arrows: readonly { readonly from: string; readonly to: string; readonly label: string }[];
}

interface Placed extends Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CHARACTER = 7.3;
const LINE = 17;
const PADDING = 10;
const GAP_X = 30;
const GAP_Y = 50;
const MARGIN = 20;

export function drawSvg(title: string, drawing: Drawing): string {
  const placed = layOut(drawing);
  const all = [...placed.values()];
  const width = Math.max(0, ...all.map((box) => box.x + box.width)) + MARGIN;
  const height = Math.max(0, ...all.map((box) => box.y + box.height)) + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" ` +
      `width="${round(width)}" height="${round(height)}" font-family="monospace" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">' +
      '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
    ...drawing.arrows.map((arrow) => drawArrow(placed, arrow)),
    ...all.map(drawBox),
    "</svg>",
    "",
  ].join("\n");
}

function layOut({ boxes, arrows }: Drawing): ReadonlyMap<string, Placed> {
  const layers = new Map<string, number>();
  for (const { id } of boxes) {
    const above = arrows.filter(({ to }) => to === id).map(({ from }) => layers.get(from) ?? 0);
    layers.set(id, above.length === 0 ? 0 : Math.max(...above) + 1);
  }
  const placed = new Map<string, Placed>();
  const last = Math.max(0, ...layers.values());
  let y = MARGIN;
  for (let layer = 0; layer <= last; layer += 1) {
    let x = MARGIN;
    let tallest = 0;
    for (const box of boxes) {
      if (layers.get(box.id) !== layer) continue;
      const width =
        2 * PADDING + CHARACTER * Math.max(...[box.title, ...box.lines].map((line) => line.length));
      const height = 2 * PADDING + LINE * (1 + box.lines.length);
      placed.set(box.id, { ...box, x, y, width, height });
      x += width + GAP_X;
      tallest = Math.max(tallest, height);
    }
    y += tallest + GAP_Y;
  }
  return placed;
}

function drawBox({ x, y, width, height, title, lines, isOutput }: Placed): string {
  const text = [title, ...lines].map((line, i) => {
    const weight = i === 0 ? ' font-weight="bold"' : "";
    const baseline = round(y + PADDING + LINE * (i + 0.75));
    return `<text x="${round(x + PADDING)}" y="${baseline}"${weight}>${escapeXml(line)}</text>`;
  });
  return (
    `<g><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="4" ` +
    `fill="#fffbe8" stroke="#555" stroke-width="${isOutput ? 2.5 : 1}"/>${text.join("")}</g>`
  );
}

function drawArrow(placed: ReadonlyMap<string, Placed>, arrow: Drawing["arrows"][number]): string {
  const from = placed.get(arrow.from);
  const to = placed.get(arrow.to);
  if (from === undefined || to === undefined) {
    throw new RangeError(`Cannot draw an arrow from ${arrow.from} to ${arrow.to}: there is no such box`);
  }
  const [x1, y1] = [round(from.x + from.width / 2), round(from.y + from.height)];
  const [x2, y2] = [round(to.x + to.width / 2), round(to.y)];
  const bend = round((y1 + y2) / 2);
  return (
    `<path d="M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}" fill="none" stroke="#555" marker-end="url(#arrow)"/>` +
    `<text x="${round((x1 + x2) / 2 + 5)}" y="${bend}" fill="#777">${escapeXml(arrow.label)}</text>`
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Escapes text for XML; control characters, which XML 1.0 has no form for, become spaces. */
function escapeXml(text: string): string {
  const NAMES: Readonly<Record<string, string>> = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "apos",
  };
  return [...text]
    .map((character) => {
      if (character < " ") return " ";
      const name = NAMES[character];
      return name === undefined ? character : `&${name};`;
    })
    .join("");
}
