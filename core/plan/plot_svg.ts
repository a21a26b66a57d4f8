/**
 * Draws boxes and arrows as SVG.
 *
 * It knows boxes and arrows only, nothing of plans; where they lie is the affair of
 * layered.ts.
 */
import { layOut, type Point } from "./layered.ts";

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

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CHARACTER = 7.3;
const LABEL_CHARACTER = 6.1;
const LABEL_HEIGHT = 14;
const LINE = 17;
const PADDING = 10;
const MARGIN = 20;
const MAX_LINE = 44;
/** Where along an arrow its label may stand, the best first. */
const LABEL_PLACES = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78] as const;

export function drawSvg(title: string, { boxes, arrows }: Drawing): string {
  const sizes = boxes.map((box) => ({ id: box.id, ...sizeOf(box) }));
  const layout = layOut(sizes, arrows, MARGIN);
  const areas = sizes.map((size, i): Area => ({ ...size, ...layout.corners[i] }));
  const [width, height] = [round(layout.width), round(layout.height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
      'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="#333">',
    `<title>${escapeXml(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0.5L7.5 4L0 7.5z" fill="#8a919c"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...layout.routes.map(drawRoute),
    ...boxes.map((box, i) => drawBox(box, areas[i])),
    ...drawLabels(
      arrows.map(({ label }) => label),
      layout.routes,
    ),
    "</svg>",
    "",
  ].join("\n");
}

function sizeOf({ title, lines }: Box): Omit<Area, "x" | "y"> {
  const longest = Math.max(...[title, ...lines].map((line) => clip(line).length));
  return { width: 2 * PADDING + CHARACTER * longest, height: 2 * PADDING + LINE * (1 + lines.length) };
}

/** Cuts the middle out: of long paths the end tells most. */
function clip(line: string): string {
  if (line.length <= MAX_LINE) return line;
  const kept = MAX_LINE - 1;
  return `${line.slice(0, Math.ceil(kept / 2))}…${line.slice(-Math.floor(kept / 2))}`;
}

/** What is cut is still told when one points at the box. */
function drawBox({ title, lines, isOutput }: Box, { x, y, width, height }: Area): string {
  const all = [title, ...lines];
  const text = all.map((line, i) => {
    const weight = i === 0 ? ' font-weight="bold"' : "";
    const baseline = round(y + PADDING + LINE * (i + 0.75));
    return `<text x="${round(x + PADDING)}" y="${baseline}"${weight}>${escapeXml(clip(line))}</text>`;
  });
  const isClipped = all.some((line) => clip(line) !== line);
  const whole = isClipped ? `<title>${escapeXml(all.join(" | "))}</title>` : "";
  const border = isOutput ? 'stroke="#3d6fa5" stroke-width="2"' : 'stroke="#b9c0ca" stroke-width="1"';
  return (
    `<g>${whole}<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="5" ` +
    `fill="#f7f9fb" ${border}/>${text.join("")}</g>`
  );
}

/** Bends between layers and goes straight through them. */
function drawRoute(points: readonly Point[]): string {
  const parts = points.map(({ x, y }, i) => {
    if (i === 0) return `M${round(x)} ${round(y)}`;
    if (i % 2 === 1) return `L${round(x)} ${round(y)}`;
    const before = points[i - 1];
    const bend = round((before.y + y) / 2);
    return `C${round(before.x)} ${bend} ${round(x)} ${bend} ${round(x)} ${round(y)}`;
  });
  return `<path d="${parts.join("")}" fill="none" stroke="#8a919c" marker-end="url(#arrow)"/>`;
}

/** Labels stand on their arrows, each where it is clear of those before it. */
function drawLabels(labels: readonly string[], routes: readonly (readonly Point[])[]): string[] {
  const taken: Area[] = [];
  return labels.map((label, i) => {
    const places = labelPlaces(routes[i], label.length * LABEL_CHARACTER);
    const place = places.find((area) => !taken.some((other) => overlap(area, other))) ?? places[0];
    taken.push(place);
    const x = round(place.x + place.width / 2);
    return (
      `<text x="${x}" y="${round(place.y + LABEL_HEIGHT * 0.75)}" text-anchor="middle" font-size="10" fill="#5d6673" ` +
      `stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">${escapeXml(label)}</text>`
    );
  });
}

/** In the gaps between layers, so never on a box; the one before the reader comes first. */
function labelPlaces(points: readonly Point[], width: number): Area[] {
  const areas: Area[] = [];
  for (let i = points.length - 1; i > 1; i -= 2) {
    const [from, to] = [points[i - 1], points[i]];
    for (const t of LABEL_PLACES) {
      const x = from.x + (to.x - from.x) * (3 * t ** 2 - 2 * t ** 3);
      // Both control points are at half of the height.
      const y = from.y + (to.y - from.y) * (1.5 * t * (1 - t) + t ** 3);
      areas.push({ x: x - width / 2, y: y - LABEL_HEIGHT / 2, width, height: LABEL_HEIGHT });
    }
  }
  return areas;
}

function overlap(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
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
