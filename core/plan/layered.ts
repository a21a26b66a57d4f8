/**
 * Places the boxes of an acyclic drawing in layers, with few crossings, and routes its arrows
 * between them.
 *
 * The method of K. Sugiyama, S. Tagawa and M. Toda (Methods for visual understanding of
 * hierarchical system structures, 1981): layers, a way for each long arrow through the layers that
 * it passes, order by barycenters, coordinates. It knows sizes only, nothing of what is drawn.
 */

export interface SizedBox {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly from: string;
  readonly to: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  /** Left upper corners, in the order of the boxes. */
  readonly corners: readonly Point[];
  /** Of each link its points from above to below, an odd number: straight to the 2nd, a bend to the 3rd, and so on. */
  readonly routes: readonly (readonly Point[])[];
  readonly width: number;
  readonly height: number;
}

/** A place in a layer: of a box, or of a link that passes. */
interface Slot {
  readonly layer: number;
  readonly width: number;
  readonly height: number;
  readonly above: Slot[];
  readonly below: Slot[];
  /** Of its middle. */
  x: number;
}

interface Layer {
  slots: Slot[];
  top: number;
  bottom: number;
}

const GAP_X = 28;
const GAP_Y = 52;
/** More arrows in a gap need more room for their bends and labels. */
const GAP_Y_EACH = 6;
const MAX_GAP_Y = 130;
const PASS_WIDTH = 8;
const SWEEPS = 12;

/** @throws {RangeError} If a link names a box that is not there, or one before its own. */
export function layOut(boxes: readonly SizedBox[], links: readonly Link[], margin: number): Layout {
  const layerOf = layersOf(boxes, links);
  const slots = new Map(boxes.map((box) => [box.id, slotOf(layerOf.get(box.id) ?? 0, box)]));
  const ways = links.map((link) => wayOf(slots, link));
  const all = [...slots.values(), ...ways.flatMap((way) => way.slice(1, -1))];
  const layers = Array.from({ length: Math.max(0, ...all.map(({ layer }) => layer + 1)) }, (_, i): Layer => {
    return { slots: all.filter(({ layer }) => layer === i), top: 0, bottom: 0 };
  });
  orderLayers(layers);
  placeAcross(layers);
  const left = Math.min(...all.map(({ x, width }) => x - width / 2));
  for (const slot of all) slot.x += margin - left;
  placeDown(layers, ways, margin);
  return {
    corners: boxes.map(({ id }) => cornerOf(layers, slotNamed(slots, id))),
    routes: routesOf(layers, ways),
    width: all.length === 0 ? 2 * margin : margin + Math.max(...all.map(({ x, width }) => x + width / 2)),
    height: (layers.at(-1)?.bottom ?? margin) + margin,
  };
}

/** The longest way to a box; one without arrows to it comes just above the first that it points to. */
function layersOf(boxes: readonly SizedBox[], links: readonly Link[]): ReadonlyMap<string, number> {
  const layers = new Map<string, number>();
  for (const { id } of boxes) {
    const above = links.filter(({ to }) => to === id).map(({ from }) => layers.get(from) ?? -1);
    layers.set(id, Math.max(-1, ...above) + 1);
  }
  for (const { id } of boxes) {
    const isFirst = !links.some(({ to }) => to === id);
    const below = links.filter(({ from }) => from === id).map(({ to }) => layers.get(to) ?? 0);
    if (isFirst && below.length > 0) layers.set(id, Math.max(0, Math.min(...below) - 1));
  }
  return layers;
}

function slotOf(layer: number, { width, height }: Omit<SizedBox, "id">): Slot {
  return { layer, width, height, above: [], below: [], x: 0 };
}

function slotNamed(slots: ReadonlyMap<string, Slot>, id: string): Slot {
  const slot = slots.get(id);
  if (slot === undefined) throw new RangeError(`Cannot lay out a link of ${id}: there is no such box`);
  return slot;
}

/** The slots of a link: of its boxes, and one in each layer between. */
function wayOf(slots: ReadonlyMap<string, Slot>, { from, to }: Link): Slot[] {
  const [first, last] = [slotNamed(slots, from), slotNamed(slots, to)];
  if (first.layer >= last.layer) throw new RangeError(`Cannot lay out ${from} to ${to}: it points up`);
  const way = [first];
  for (let layer = first.layer + 1; layer < last.layer; layer += 1) {
    way.push(slotOf(layer, { width: PASS_WIDTH, height: 0 }));
  }
  way.push(last);
  for (const [i, slot] of way.entries()) {
    if (i === 0) continue;
    slot.above.push(way[i - 1]);
    way[i - 1].below.push(slot);
  }
  return way;
}

/** Down and up in turn, each layer by the mean place of its neighbours; the order with the fewest crossings wins. */
function orderLayers(layers: readonly Layer[]): void {
  let best = layers.map(({ slots }) => slots);
  let least = crossingsOf(layers);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const side = isDown ? "above" : "below";
    for (const layer of isDown ? layers.slice(1) : layers.slice(0, -1).reverse()) {
      const place = placesOf(layers);
      const wanted = new Map(layer.slots.map((slot) => [slot, meanOf(slot[side], slot, place)]));
      layer.slots = [...layer.slots].sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
    }
    const crossings = crossingsOf(layers);
    if (crossings >= least) continue;
    least = crossings;
    best = layers.map(({ slots }) => slots);
  }
  for (const [i, layer] of layers.entries()) layer.slots = best[i];
}

/** Places within the layers, as parts of their length. */
function placesOf(layers: readonly Layer[]): ReadonlyMap<Slot, number> {
  return new Map(layers.flatMap(({ slots }) => slots.map((slot, i) => [slot, (i + 0.5) / slots.length])));
}

function meanOf(neighbours: readonly Slot[], own: Slot, place: ReadonlyMap<Slot, number>): number {
  const places = (neighbours.length === 0 ? [own] : neighbours).map((slot) => place.get(slot) ?? 0);
  return places.reduce((sum, at) => sum + at, 0) / places.length;
}

function crossingsOf(layers: readonly Layer[]): number {
  const place = placesOf(layers);
  let count = 0;
  for (const { slots } of layers) {
    const ends = slots.flatMap((slot, i) => slot.below.map((to) => [i, place.get(to) ?? 0] as const));
    for (const [i, [a, b]] of ends.entries()) {
      for (const [c, d] of ends.slice(i + 1)) if ((a - c) * (b - d) < 0) count += 1;
    }
  }
  return count;
}

/** Draws every slot towards the middle of its neighbours, above and below in turn. */
function placeAcross(layers: readonly Layer[]): void {
  for (const { slots } of layers)
    spread(
      slots,
      slots.map(() => 0),
    );
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0;
    for (const { slots } of isDown ? layers : [...layers].reverse()) {
      spread(
        slots,
        slots.map(({ above, below, x }) => {
          const near = isDown ? above : below;
          const far = near.length > 0 ? near : [{ x }];
          return far.reduce((sum, slot) => sum + slot.x, 0) / far.length;
        }),
      );
    }
  }
}

/** Comes as near to the wanted places as order and widths allow, by least squares (pool adjacent violators). */
function spread(slots: readonly Slot[], wanted: readonly number[]): void {
  const offsets: number[] = [];
  for (const [i, slot] of slots.entries()) {
    const before = slots[i - 1];
    offsets.push(i === 0 ? 0 : offsets[i - 1] + (before.width + slot.width) / 2 + GAP_X);
  }
  const pools: { sum: number; count: number }[] = [];
  for (const [i, want] of wanted.entries()) {
    let pool = { sum: want - offsets[i], count: 1 };
    for (let last = pools.at(-1); last !== undefined; last = pools.at(-1)) {
      if (last.sum / last.count < pool.sum / pool.count) break;
      pools.pop();
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
    }
    pools.push(pool);
  }
  let i = 0;
  for (const { sum, count } of pools) {
    for (const end = i + count; i < end; i += 1) slots[i].x = sum / count + offsets[i];
  }
}

function placeDown(layers: readonly Layer[], ways: readonly (readonly Slot[])[], margin: number): void {
  let y = margin;
  for (const [i, layer] of layers.entries()) {
    layer.top = y;
    layer.bottom = y + Math.max(...layer.slots.map(({ height }) => height));
    const passing = ways.filter((way) => way.slice(0, -1).some((slot) => slot.layer === i)).length;
    y = layer.bottom + Math.min(MAX_GAP_Y, GAP_Y + GAP_Y_EACH * passing);
  }
}

function cornerOf(layers: readonly Layer[], { layer, x, width }: Slot): Point {
  return { x: x - width / 2, y: layers[layer].top };
}

/** Arrows leave and reach a box side by side, in the order in which they come. */
function routesOf(layers: readonly Layer[], ways: readonly (readonly Slot[])[]): Point[][] {
  const exits = portsOf(ways, (way) => [way[0], way[1]]);
  const entries = portsOf(ways, (way) => [way[way.length - 1], way[way.length - 2]]);
  return ways.map((way, w) =>
    way.flatMap((slot, i): Point[] => {
      const { top, bottom } = layers[slot.layer];
      const x = exits[w];
      if (i === 0)
        return [
          { x, y: top + slot.height },
          { x, y: bottom },
        ];
      if (i === way.length - 1) return [{ x: entries[w], y: top }];
      return [
        { x: slot.x, y: top },
        { x: slot.x, y: bottom },
      ];
    }),
  );
}

function portsOf(
  ways: readonly (readonly Slot[])[],
  endOf: (way: readonly Slot[]) => readonly [Slot, Slot],
): number[] {
  const ends = ways.map(endOf);
  return ends.map(([box, next], w) => {
    const before = ends.filter(
      ([other, to], v) => other === box && (to.x < next.x || (to.x === next.x && v < w)),
    );
    const count = ends.filter(([other]) => other === box).length;
    // Within the middle part of the box, and not further from each other than needed.
    const step = Math.min(24, (box.width * 0.8) / count);
    return box.x + step * (before.length - (count - 1) / 2);
  });
}
