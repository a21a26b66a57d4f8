/** The command line of scripts/bench. */
import { PEERS, type Peer } from "./workloads.ts";

const USAGE = `usage: scripts/bench [--quick] [--peers[=LIST]] [--rounds N] [--data DIR] [--growth[=SHARE]]
                     [--cluster] [--iterative] [--faults] [W1 …]
Measures the built executable beside its peers, in turn, and compares what they write.
  --quick       small data, one round: proves that everything runs and that outputs agree
  --peers       DuckDB and Polars too, not only the scripts in scripts/benchmarks
  --peers=LIST  of ${PEERS.join(",")}
  --rounds N    how often each of them runs; medians are told (default 3)
  --data DIR    keeps the data there and takes what is there already
  --growth[=SHARE]  W7: time at 1×, 4× and 16× of that share of the data (default 1; 50 GB of
                disk then), and with a memory budget of a quarter of the input
  --cluster     W1 to W3 on a cluster of two agents on this machine beside local mode with as many
                slots, and what starting, tasks, streams and idle agents cost there
  --iterative   what loops, messages, collectives and scaling cost in a warm job
  --faults      W1 to W3 without checksums and second attempts beside as they are, W2 with an agent
                killed half-way, and how soon losses are noticed
  W1 …          of W1 to W6 (default: all)`;

export interface Arguments {
  readonly isQuick: boolean;
  /** What share of the data W7 begins with; undefined when it is not asked for. */
  readonly growth: number | undefined;
  readonly isCluster: boolean;
  readonly isIterative: boolean;
  readonly isFaults: boolean;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly data: string | undefined;
  readonly workloads: readonly string[];
}

/** Ends the process when the arguments make no sense. */
export function parseArguments(given: readonly string[]): Arguments {
  const rest = [...given];
  let isQuick = false;
  let isCluster = false;
  let isIterative = false;
  let isFaults = false;
  let growth: number | undefined;
  let peers: readonly Peer[] = ["plain", "typed"];
  let rounds: number | undefined;
  let data: string | undefined;
  const workloads: string[] = [];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === "--quick") isQuick = true;
    else if (argument === "--cluster") isCluster = true;
    else if (argument === "--iterative") isIterative = true;
    else if (argument === "--faults") isFaults = true;
    else if (argument === "--growth") growth = 1;
    else if (argument.startsWith("--growth=")) growth = Number(argument.slice("--growth=".length));
    else if (argument === "--peers") peers = ["plain", "typed", "duckdb", "polars"];
    else if (argument.startsWith("--peers=")) peers = parsePeers(argument.slice("--peers=".length));
    else if (argument === "--rounds") rounds = Number(rest.shift());
    else if (argument === "--data") data = rest.shift();
    else if (/^W[1-6]$/.test(argument)) workloads.push(argument);
    else exit(argument === "--help" ? 0 : 2);
  }
  rounds ??= isQuick ? 1 : 3;
  // Small data beside large under the same names would be mistaken for it.
  if (!(rounds >= 1) || (growth !== undefined && !(growth > 0)) || (isQuick && data !== undefined)) exit(2);
  return { isQuick, growth, isCluster, isIterative, isFaults, peers, rounds, data, workloads };
}

function parsePeers(list: string): readonly Peer[] {
  return list.split(",").map((name) => PEERS.find((peer) => peer === name) ?? exit(2));
}

function exit(code: 0 | 2): never {
  (code === 0 ? console.log : console.error)(USAGE);
  process.exit(code);
}
