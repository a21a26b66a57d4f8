/**
 * Turns a source node into splits: looks its files up and cuts or packs them.
 *
 * The driver calls it before anything runs, so a missing or closed input is told
 * at once. It knows nothing of tasks beyond the number of slots.
 */
import { LucioleError } from "../../core/errors.ts";
import type { GraphNode, SplitOptions } from "../../core/graph/node.ts";
import { pieceBytes } from "../../core/plan/partitions.ts";
import type { SourceSplit } from "../../core/plan/physical.ts";
import { encode } from "../cbor.ts";
import { safeCuts } from "./csv_cuts.ts";
import { listFiles } from "./list_files.ts";
import { type ProbedFile, probeFile } from "./probe.ts";

export interface ResolvedSource {
  readonly splits: SourceSplit[];
  /** Bytes of input, guessed where they are compressed or not known before. */
  readonly bytes: number;
}

type FileSplit = SourceSplit & { readonly kind: "file" };

const MIN_SPLIT_BYTES = 1 << 20;
const SPLITS_PER_SLOT = 4;
/** What opening a file costs, as bytes: so ten thousand tiny files still make work for every slot. */
const FILE_COST_BYTES = 16 * 1024;
const COMPRESSION_RATIO = 4;
const ROWS_PER_SPLIT = 65_536;
const SAMPLE_ROWS = 100;

/** Fixes the splits of a source. @throws {LucioleError} code "input-missing" or "input-unreadable". */
export async function resolveSource(
  node: GraphNode,
  facts: { readonly slots: number },
): Promise<ResolvedSource> {
  const { spec } = node;
  switch (spec.kind) {
    case "text":
    case "jsonl":
      return resolveFiles(spec.path, spec.split, facts.slots, cutEvenly);
    case "csv": {
      const delimiter = spec.options.delimiter ?? ",";
      return resolveFiles(spec.path, spec.split, facts.slots, (file, count) =>
        count < 2 ? [] : safeCuts(file.path, cutEvenly(file, count), delimiter),
      );
    }
    case "binary":
      return resolveFiles(spec.path, spec.split, facts.slots, refuseEmpty);
    case "files":
      return resolvePaths(listFiles(spec.path), spec.split.shards, facts.slots);
    case "range":
      return resolveRows("range", spec.from, spec.to, spec.shards, facts.slots, 8);
    case "array":
      return resolveRows("slice", 0, spec.values.length, spec.shards, facts.slots, rowBytes(spec.values));
    case "generate": {
      const splits = Array.from({ length: spec.shards }, (): SourceSplit => ({ kind: "shard" }));
      return { splits, bytes: Number.POSITIVE_INFINITY };
    }
    default:
      throw new LucioleError("internal", `Cannot resolve node ${node.id}: ${spec.kind} is not a source`);
  }
}

/** Positions at which a file is cut into `count` parts; also asked for one. */
type Cut = (file: ProbedFile, count: number) => number[];

/** A file of batches is never cut, and never empty: it has its trailer at least. */
function refuseEmpty({ path, sizeBytes }: ProbedFile): number[] {
  if (sizeBytes > 0) return [];
  throw new LucioleError("malformed-input", `Cannot read "${path}": it is empty, so it was cut short`);
}

function resolveFiles(pattern: string, options: SplitOptions, slots: number, cut: Cut): ResolvedSource {
  const files = listFiles(pattern).map((path) => probeFile(path, pattern));
  const bytes = sum(files.map(estimatedBytes));
  const weight = bytes + files.length * FILE_COST_BYTES;
  const target = splitTarget(weight, options, slots);
  // An explicit number of bytes is meant for the content alone.
  const cutTarget = options.splitBytes ?? Math.min(target, atLeastShards(bytes, options.shards));
  const splits = packFiles(files, target, cutTarget, cut);
  while (splits.length < (options.shards ?? 1)) splits.push({ kind: "files", files: [] });
  return { splits, bytes };
}

function splitTarget(weight: number, { shards, splitBytes }: SplitOptions, slots: number): number {
  if (splitBytes !== undefined) return splitBytes;
  const even = Math.ceil(weight / (slots * SPLITS_PER_SLOT));
  return Math.min(
    Math.max(MIN_SPLIT_BYTES, Math.min(even, pieceBytes(weight))),
    atLeastShards(weight, shards),
  );
}

function atLeastShards(bytes: number, shards: number | undefined): number {
  return shards === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(bytes / shards));
}

/** Cuts big files and puts small ones together, in the order of the files. */
function packFiles(files: readonly ProbedFile[], target: number, cutTarget: number, cut: Cut): SourceSplit[] {
  const splits: SourceSplit[] = [];
  let packed: FileSplit[] = [];
  let packedBytes = 0;
  const closePack = () => {
    if (packed.length > 0) splits.push(packed.length === 1 ? packed[0] : { kind: "files", files: packed });
    packed = [];
    packedBytes = 0;
  };
  for (const file of files) {
    const parts = partsOf(file, cutTarget, cut);
    if (file.sizeBytes === 0) continue;
    const weight = estimatedBytes(file) + FILE_COST_BYTES;
    if (packedBytes + weight > target) closePack();
    if (parts.length > 1) {
      closePack();
      splits.push(...parts);
    } else {
      packed.push(...parts);
      packedBytes += weight;
    }
  }
  closePack();
  return splits;
}

function partsOf(file: ProbedFile, cutTarget: number, cut: Cut): FileSplit[] {
  const { path, sizeBytes, compression } = file;
  if (compression !== "none") {
    const bytes = estimatedBytes(file);
    const guess = bytes > Math.max(cutTarget, MIN_SPLIT_BYTES) ? { estimatedBytes: bytes } : {};
    return [{ kind: "file", path, start: 0, end: Number.POSITIVE_INFINITY, compression, ...guess }];
  }
  const cuts = cut(file, Math.max(1, Math.ceil(sizeBytes / cutTarget)));
  const bounds = [0, ...cuts, sizeBytes];
  return bounds.slice(1).map((end, i) => ({ kind: "file", path, start: bounds[i], end, compression }));
}

function cutEvenly(file: ProbedFile, count: number): number[] {
  const cuts = new Set<number>();
  for (let i = 1; i < count; i++) cuts.add(Math.floor((file.sizeBytes * i) / count));
  cuts.delete(0);
  return [...cuts];
}

function estimatedBytes(file: ProbedFile): number {
  return file.compression === "none" ? file.sizeBytes : file.sizeBytes * COMPRESSION_RATIO;
}

function resolvePaths(paths: readonly string[], shards: number | undefined, slots: number): ResolvedSource {
  const count = shards ?? Math.min(paths.length, slots * SPLITS_PER_SLOT);
  const splits = even(0, paths.length, count).map(
    ([from, to]): SourceSplit => ({ kind: "paths", paths: paths.slice(from, to) }),
  );
  return { splits, bytes: sum(paths.map((path) => path.length)) };
}

function resolveRows(
  kind: "range" | "slice",
  from: number,
  to: number,
  shards: number | undefined,
  slots: number,
  bytesPerRow: number,
): ResolvedSource {
  const rows = to - from;
  // Few rows may be much work each, so every slot gets some; many rows are many splits.
  const wanted = Math.max(slots, Math.min(slots * SPLITS_PER_SLOT, Math.ceil(rows / ROWS_PER_SPLIT)));
  const count = shards ?? Math.max(1, Math.min(rows, wanted));
  const splits = even(from, to, count).map(([first, last]): SourceSplit => ({ kind, from: first, to: last }));
  return { splits, bytes: rows * bytesPerRow };
}

/** `count` ranges that follow each other and differ in length by one at most. */
function even(from: number, to: number, count: number): [number, number][] {
  const length = to - from;
  const bound = (i: number) => from + Math.floor(length / count) * i + Math.min(i, length % count);
  return Array.from({ length: count }, (_, i) => [bound(i), bound(i + 1)]);
}

/** Guessed from the first rows; what cannot be encoded is told when it is reached. */
function rowBytes(values: readonly unknown[]): number {
  const sample = values.slice(0, SAMPLE_ROWS);
  if (sample.length === 0) return 0;
  try {
    return encode(sample).byteLength / sample.length;
  } catch {
    return 64;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
