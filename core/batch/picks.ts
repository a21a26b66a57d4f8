/**
 * Rows of several columns in an order of their own, which are moved once, when somebody wants them as one column.
 *
 * Sorting and merging end so: without it the columns would be joined first, and all bytes copied once more. It knows
 * nothing of why rows are picked.
 */
import type { Batch, BytesColumn, Column, NumberColumn, StringColumn } from "./column.ts";
import { ByteCopier } from "./copy_bytes.ts";
import { checkOffset, concatColumns, gather, hasSameFields, sliceColumn } from "./gather.ts";

export interface Picks {
  readonly sources: readonly Column[];
  /** For each row, the place of its column among the sources. */
  readonly choices: Uint32Array;
  /** For each row, its number in that column. */
  readonly rows: Uint32Array;
}

/** A batch whose column is made when it is asked for. */
export class PickedBatch implements Batch {
  readonly rows: number;
  #picks: Picks | undefined;
  #column: Column | undefined;

  constructor(picks: Picks) {
    this.rows = picks.rows.length;
    this.#picks = picks;
  }

  get column(): Column {
    if (this.#picks !== undefined) {
      this.#column = gatherPicks(this.#picks);
      this.#picks = undefined;
    }
    return this.#column as Column;
  }

  /** What is not moved yet, for who can do without the column. */
  get picks(): Picks | undefined {
    return this.#picks;
  }
}

/** True when rows of the columns can be put together without joining the columns. */
export function canPick(columns: readonly Column[]): boolean {
  const [first] = columns;
  if (first === undefined || columns.some((each) => !isLike(first, each))) return false;
  switch (first.kind) {
    case "number":
    case "date":
    case "string":
    case "bytes":
      return true;
    case "tuple":
    case "object":
      return first.columns.every((_, k) => canPick(columns.map((each) => fieldOf(each, k))));
    default:
      return false;
  }
}

function isLike(a: Column, b: Column): boolean {
  if (a.kind !== b.kind || b.validity !== undefined) return false;
  return b.kind !== "tuple" && b.kind !== "object" ? true : hasSameFields(a, b);
}

/** Field k of a tuple or an object. */
export function fieldOf(column: Column, k: number): Column {
  return column.kind === "tuple" || column.kind === "object" ? column.columns[k] : column;
}

/** The rows as one column. */
export function gatherPicks(picks: Picks): Column {
  return canPick(picks.sources) ? gatherAlike(picks) : gatherJoined(picks);
}

function gatherAlike({ sources, choices, rows }: Picks): Column {
  const [first] = sources;
  const length = rows.length;
  switch (first.kind) {
    case "number":
    case "date":
      return {
        kind: first.kind,
        length,
        values: gatherNumbers(sources as readonly NumberColumn[], choices, rows),
      };
    case "string":
    case "bytes":
      return {
        kind: first.kind,
        length,
        ...gatherRuns(sources as readonly (StringColumn | BytesColumn)[], choices, rows),
      };
    case "tuple":
    case "object": {
      const columns = first.columns.map((_, k) =>
        gatherAlike({ sources: sources.map((each) => fieldOf(each, k)), choices, rows }),
      );
      return { ...first, length, columns };
    }
    default:
      throw new RangeError(`Cannot pick rows of columns of kind ${first.kind}`);
  }
}

function gatherNumbers(
  sources: readonly Pick<NumberColumn, "values">[],
  choices: Uint32Array,
  rows: Uint32Array,
): Float64Array {
  const out = new Float64Array(rows.length);
  pickNumbers(sources, choices, rows, out);
  return out;
}

/** Fills in the number of each row. */
export function pickNumbers(
  sources: readonly Pick<NumberColumn, "values">[],
  choices: Uint32Array,
  rows: Uint32Array,
  out: Float64Array,
): void {
  if (sources.length === 1) {
    const [{ values }] = sources;
    for (let i = 0; i < out.length; i++) out[i] = values[rows[i]];
    return;
  }
  const values = sources.map((source) => source.values);
  for (let i = 0; i < out.length; i++) out[i] = values[choices[i]][rows[i]];
}

function gatherRuns(
  sources: readonly (StringColumn | BytesColumn)[],
  choices: Uint32Array,
  rows: Uint32Array,
): { offsets: Uint32Array; bytes: Uint8Array } {
  const offsets = new Uint32Array(rows.length + 1);
  const end = pickedOffsets(sources, choices, rows, offsets, 0);
  const bytes = new Uint8Array(end);
  copyRuns(sources, choices, rows, bytes, offsets);
  return { offsets, bytes };
}

/** Fills in where each run begins when `gap` bytes are left behind each; tells where the last one ends. */
export function pickedOffsets(
  sources: readonly { readonly offsets: Uint32Array }[],
  choices: Uint32Array,
  rows: Uint32Array,
  out: Uint32Array,
  gap: number,
): number {
  const ends = sources.map((source) => source.offsets);
  let position = 0;
  for (let i = 0; i < rows.length; i++) {
    const offsets = ends[choices[i]];
    const row = rows[i];
    position += offsets[row + 1] - offsets[row] + gap;
    out[i + 1] = position;
  }
  checkOffset(position);
  return position;
}

/** Copies each run to its place in the target. */
export function copyRuns(
  sources: readonly (StringColumn | BytesColumn)[],
  choices: Uint32Array,
  rows: Uint32Array,
  target: Uint8Array,
  places: Uint32Array,
): void {
  const copiers = sources.map((source) => new ByteCopier(source.bytes, target));
  const ends = sources.map((source) => source.offsets);
  for (let i = 0; i < rows.length; i++) {
    const choice = choices[i];
    const offsets = ends[choice];
    const row = rows[i];
    copiers[choice].copy(offsets[row], offsets[row + 1], places[i]);
  }
}

/** Columns that are not alike are joined, as far as rows of them are picked. */
function gatherJoined({ sources, choices, rows }: Picks): Column {
  const from = new Uint32Array(sources.length).fill(0xffffffff);
  const to = new Uint32Array(sources.length);
  for (let i = 0; i < rows.length; i++) {
    const choice = choices[i];
    from[choice] = Math.min(from[choice], rows[i]);
    to[choice] = Math.max(to[choice], rows[i] + 1);
  }
  const parts: Column[] = [];
  // Where row 0 of each source would stand in the joined column, modulo 2³².
  const shifts = new Uint32Array(sources.length);
  let length = 0;
  for (const [k, source] of sources.entries()) {
    if (to[k] === 0) continue;
    parts.push(sliceColumn(source, from[k], to[k]));
    shifts[k] = length - from[k];
    length += to[k] - from[k];
  }
  const places = new Uint32Array(rows.length);
  let isInOrder = length === rows.length;
  for (let i = 0; i < places.length; i++) {
    places[i] = rows[i] + shifts[choices[i]];
    if (places[i] !== i) isInOrder = false;
  }
  const joined = concatColumns(parts);
  return isInOrder ? joined : gather(joined, places);
}
