/**
 * Which part a process plays when the same command was started on every machine of an allocation.
 *
 * Reads what Slurm, Open MPI and pssh tell, or flags. Rank 0 is master, agent and driver, the
 * others are agents until it has ended.
 */
import { LucioleError } from "../errors.ts";
import {
  type FlagReader,
  type FlagSpec,
  TRUTH,
  type Variables,
  wholeNumber,
} from "../program/flag_reader.ts";
import { formatAddress, MASTER_PORT, parseAddress } from "./address.ts";
import { expandNodelist } from "./nodelist.ts";

export interface Symmetric {
  /** From 0. */
  readonly rank: number;
  /** How many there are; unknown when missing. */
  readonly ranks?: number;
  /** "host:port" where rank 0 is the master. */
  readonly head: string;
  /** Where other machines reach this one, when the starter tells. */
  readonly host?: string;
  /** Workers that this rank may run, when the starter tells. */
  readonly slots?: number;
  /** How many ranks share this machine. */
  readonly localRanks: number;
}

export const SYMMETRIC_SETTINGS = {
  symmetric: { name: "symmetric", ...TRUTH } satisfies FlagSpec<boolean>,
  rank: { name: "rank", ...wholeNumber(0, 65_535) } satisfies FlagSpec<number>,
  ranks: { name: "ranks", ...wholeNumber(1, 65_536) } satisfies FlagSpec<number>,
  head: {
    name: "head",
    expected: `an address such as "host" or "host:${MASTER_PORT}"`,
    parse: (text) => {
      const address = parseAddress(text, MASTER_PORT);
      return address === undefined ? undefined : formatAddress(address);
    },
  } satisfies FlagSpec<string>,
};

/** What starters call the rank and the number of ranks; the first that is set counts. */
const STARTERS = [
  ["SLURM_PROCID", "SLURM_NTASKS"],
  ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  ["PMI_RANK", "PMI_SIZE"],
  ["PSSH_NODENUM", "PSSH_NUMNODES"],
] as const;
const LOCAL_RANKS = ["SLURM_NTASKS_PER_NODE", "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"] as const;
const NODELISTS = ["SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"] as const;

/** Of the masters of jobs in Slurm. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const STEPS = 8;

/** Undefined for a run that is not symmetric. @throws {LucioleError} code "usage" */
export function readSymmetric(reader: FlagReader, env: Variables): Symmetric | undefined {
  if (reader.read(SYMMETRIC_SETTINGS.symmetric) !== true) return undefined;
  const starter = STARTERS.find(([rank]) => env[rank] !== undefined && env[rank] !== "");
  const rank = reader.read(SYMMETRIC_SETTINGS.rank) ?? numberOf(starter?.[0], env);
  const ranks = reader.read(SYMMETRIC_SETTINGS.ranks) ?? numberOf(starter?.[1], env);
  if (rank === undefined) {
    const names = STARTERS.map(([name]) => name).join(", ");
    throw usage(`which rank this process has is not known: none of ${names} is set; give it with --rank N`);
  }
  if (ranks !== undefined && rank >= ranks) {
    throw usage(`rank ${rank} is not below the number of ranks, ${ranks}; ranks begin with 0`);
  }
  const head =
    reader.read(SYMMETRIC_SETTINGS.head) ?? headOf(env) ?? (ranks === 1 ? "127.0.0.1:7400" : undefined);
  if (head === undefined) {
    throw usage("where rank 0 runs is not known: SLURM_NODELIST is not set; give it with --head HOST");
  }
  const slots = numberOf("SLURM_CPUS_PER_TASK", env);
  const host = env.SLURMD_NODENAME;
  return {
    rank,
    ...(ranks === undefined ? {} : { ranks }),
    head,
    ...(host === undefined || host === "" ? {} : { host }),
    ...(slots === undefined || slots === 0 ? {} : { slots }),
    localRanks: Math.max(
      1,
      numberOf(
        LOCAL_RANKS.find((name) => env[name]),
        env,
      ) ?? 1,
    ),
  };
}

function numberOf(variable: string | undefined, env: Variables): number | undefined {
  const text = variable === undefined ? undefined : env[variable];
  if (variable === undefined || text === undefined || text === "") return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`${variable} must be a whole number, and is "${text}"`);
}

/** The first host of the list has rank 0. Two jobs of Slurm may share it: each has a port of its own. */
function headOf(env: Variables): string | undefined {
  const variable = NODELISTS.find((name) => env[name] !== undefined && env[name] !== "");
  if (variable === undefined) return undefined;
  const [first] = expandNodelist(env[variable] ?? "") ?? [];
  if (first === undefined) throw usage(`${variable} is no list of hosts: "${env[variable]}"`);
  const [job = 0, step = 0] = [numberOf("SLURM_JOB_ID", env), numberOf("SLURM_STEP_ID", env)];
  const port = job === 0 ? MASTER_PORT : FIRST_PORT + ((job * STEPS + step) % PORTS);
  return formatAddress({ host: first, port });
}

function usage(why: string): LucioleError {
  return new LucioleError("usage", `Cannot run with --symmetric: ${why}`);
}
