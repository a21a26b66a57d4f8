/**
 * The workloads, who takes part in them, and the command of each.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type { Comparison } from "./compare.ts";
import type { InputName } from "./data.ts";

const here = import.meta.dirname;
const root = dirname(dirname(here));
const peersFolder = join(here, "peers");
export const luciole = join(root, "dist", "luciole");

export const PEERS = ["plain", "typed", "duckdb", "polars", "spark", "dask"] as const;
export type Peer = (typeof PEERS)[number];

const TITLES: Readonly<Record<Peer, string>> = {
  plain: "Bun script, plain",
  typed: "Bun script, typed arrays",
  duckdb: "DuckDB",
  polars: "Polars",
  spark: "PySpark",
  dask: "Dask",
};

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly inputs: readonly InputName[];
  /** Luciole's programs, by what their form is called. */
  readonly programs: Readonly<Record<string, string>>;
  readonly comparison: Comparison;
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: "W1",
    title: "word count of 200 MB of source-like text, all counts written",
    inputs: ["w1.txt"],
    programs: { kernel: "w1_kernel", closures: "w1_closures" },
    comparison: { kind: "lines" },
  },
  {
    name: "W2",
    title: "sort of 500 MB of 100-byte records by a 10-byte key, written",
    inputs: ["w2.txt"],
    programs: { closures: "w2" },
    comparison: { kind: "sorted", keyBytes: 10 },
  },
  {
    name: "W3",
    title: "join of 5 M orders with 1 M users (csv), sum by country and decade of age",
    inputs: ["orders.csv", "users.csv"],
    programs: { kernel: "w3_kernel", closures: "w3_closures" },
    comparison: { kind: "numbers", keyFields: 2 },
  },
  {
    name: "W4",
    title: "PageRank of 1 M nodes and 8 M edges from text, 10 iterations",
    inputs: ["edges.txt"],
    programs: { closures: "w4" },
    comparison: { kind: "numbers", keyFields: 1 },
  },
  {
    name: "W5",
    title: "k-means of 2 M × 8 numbers from csv, 16 centres, 10 iterations",
    inputs: ["points.csv"],
    programs: { closures: "w5" },
    comparison: { kind: "numbers", keyFields: 0 },
  },
];

export interface Contender {
  readonly title: string;
  readonly isLuciole: boolean;
  /** Wants the inputs and the output behind it. */
  readonly command: readonly string[];
}

export function contendersOf(workload: Workload, peers: readonly Peer[]): readonly Contender[] {
  const ours = Object.entries(workload.programs).map(([form, program]) => ({
    title: `Luciole, ${form}`,
    isLuciole: true,
    command: lucioleCommand(program),
  }));
  const theirs = peers.map((peer) => ({
    title: TITLES[peer],
    isLuciole: false,
    command: peerCommand(peer, workload.name.toLowerCase()),
  }));
  // Not every peer has a program for each of the workloads.
  return [...ours, ...theirs.filter(({ command }) => existsSync(command[1]))];
}

export function lucioleCommand(program: string, flags: readonly string[] = []): readonly string[] {
  return [luciole, "run", "--quiet", ...flags, join(here, "programs", `${program}.ts`)];
}

function peerCommand(peer: Peer, program: string): readonly string[] {
  if (peer === "plain" || peer === "typed") return [process.execPath, join(here, peer, `${program}.ts`)];
  if (peer === "duckdb" || peer === "polars") return ["node", join(peersFolder, peer, `${program}.mjs`)];
  const python = join(peersFolder, ".venv", "bin", "python");
  return [python, join(peersFolder, peer, `${program}.py`), String(availableParallelism())];
}
