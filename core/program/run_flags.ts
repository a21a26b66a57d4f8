/**
 * The engine's own flags in a program's command line, and the LUCIOLE_* variables of the same names.
 *
 * Takes out exactly these flags, before a `--`; everything else is the program's and
 * stays untouched and in order. A flag wins over its variable.
 */
import { readSecurity, type SecurityFiles } from "../cluster/config.ts";
import { type Labels, SETTINGS } from "../cluster/settings.ts";
import { readSymmetric, SYMMETRIC_SETTINGS, type Symmetric } from "../cluster/symmetric.ts";
import { LucioleError } from "../errors.ts";
import {
  anyText,
  FlagReader,
  type FlagSpec,
  type NumberRange,
  oneOf,
  TRUTH,
  type Variables,
  variableOf,
  wholeNumbers,
} from "./flag_reader.ts";
import { LOG_LEVELS, type LogLevel, MAX_WORKERS } from "./limits.ts";
import { parseSize } from "./size.ts";

/** What is less lacks its unit: `10` is ten bytes. Programs that mean it ask openJob for it. */
const MIN_MEMORY_BYTES = 4 * 2 ** 20;

export interface RunFlags {
  /** Number of workers; all cores when missing, or all slots of the cluster. */
  readonly workers?: number;
  /** The number of workers follows the load, from `workers` to so many; it stays when missing. */
  readonly mostWorkers?: number;
  /** Memory of all workers together, in bytes. */
  readonly memoryBytes?: number;
  /** Progress and errors as JSON lines on stderr. */
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly logLevel: LogLevel;
  /** Tasks that take much longer than their like are run on a second agent too; true when missing. */
  readonly speculates?: boolean;
  /** File to which the job's milestones and failures are appended, as JSON lines. */
  readonly eventLog?: string;
  /** The number of workers does not change by the program's own wish. */
  readonly isFixed?: boolean;
  /** Where the job's checkpoint is kept; nowhere when missing. */
  readonly checkpoint?: CheckpointFlags;
  /** Local when missing. */
  readonly cluster?: ClusterFlags;
  /** The same command runs on several machines, which become a cluster for the time of the job. */
  readonly symmetric?: Symmetric;
  /** An agent of the cluster is to run the driver. */
  readonly detach?: Detach;
}

/** Of a driver that an agent runs. */
export interface Detach {
  /** Shows what it prints, and waits for its end. */
  readonly follows: boolean;
  /** The flags that it gets, as text. */
  readonly flags: Readonly<Record<string, string>>;
}

export interface CheckpointFlags {
  readonly directory: string;
  /** Go on from what is there. */
  readonly isResumed: boolean;
}

/** Of a run on a cluster. */
export interface ClusterFlags {
  /** "host:port" of masters, any of which will do. */
  readonly masters: readonly string[];
  /** When no slots are free: whether to wait for some, or to fail. */
  readonly isPatient: boolean;
  /** Agents end the job when nothing was heard of its driver for so long; they know how long when missing. */
  readonly leaseMs?: number;
  readonly security: SecurityFiles;
  /** Where workers may stand; anywhere when missing. */
  readonly dataCenter?: string;
  readonly rack?: string;
  readonly labels?: Labels;
}

export interface ParsedFlags {
  readonly options: RunFlags;
  /** What is left for the program. */
  readonly rest: readonly string[];
}

/** The flags as text, by name; boolean flags are "true". */
export type FlagTexts = Partial<Record<FlagName, string>>;

interface RunFlag<T> extends FlagSpec<T> {
  readonly isBoolean?: true;
  /** Only `luciole run` takes it: a program of its own command line may have one of this name. */
  readonly isOfHost?: true;
}

const FLAGS = {
  workers: { name: "workers", ...wholeNumbers(1, MAX_WORKERS, "2..16") } satisfies RunFlag<NumberRange>,
  memory: {
    name: "memory",
    expected: `a size of at least ${MIN_MEMORY_BYTES / 2 ** 20} MiB such as "2GiB" or "512MB"`,
    parse: (text) => {
      const bytes = parseSize(text);
      return bytes === undefined || bytes < MIN_MEMORY_BYTES ? undefined : bytes;
    },
  } satisfies RunFlag<number>,
  fixed: { name: "fixed", isBoolean: true, isOfHost: true, ...TRUTH } satisfies RunFlag<boolean>,
  "log-level": { name: "log-level", ...oneOf(LOG_LEVELS) } satisfies RunFlag<LogLevel>,
  "event-log": {
    name: "event-log",
    expected: "the path of a file",
    parse: (text) => (text === "" ? undefined : text),
  } satisfies RunFlag<string>,
  json: { name: "json", isBoolean: true, ...TRUTH } satisfies RunFlag<boolean>,
  quiet: { name: "quiet", isBoolean: true, ...TRUTH } satisfies RunFlag<boolean>,
  checkpoint: { name: "checkpoint", ...anyText("the name of a directory") } satisfies RunFlag<string>,
  resume: { name: "resume", isBoolean: true, ...TRUTH } satisfies RunFlag<boolean>,
  master: SETTINGS.master satisfies RunFlag<readonly string[]>,
  "no-wait": { name: "no-wait", isBoolean: true, ...TRUTH } satisfies RunFlag<boolean>,
  "token-file": SETTINGS.tokenFile satisfies RunFlag<string>,
  "tls-cert": SETTINGS.tlsCert satisfies RunFlag<string>,
  "tls-key": SETTINGS.tlsKey satisfies RunFlag<string>,
  "tls-ca": SETTINGS.tlsCa satisfies RunFlag<string>,
  "data-center": { ...SETTINGS.dataCenter, isOfHost: true } satisfies RunFlag<string>,
  rack: { ...SETTINGS.rack, isOfHost: true } satisfies RunFlag<string>,
  labels: { ...SETTINGS.labels, isOfHost: true } satisfies RunFlag<Labels>,
  lease: { ...SETTINGS.lease, isOfHost: true } satisfies RunFlag<number>,
  detach: { name: "detach", isBoolean: true, ...TRUTH } satisfies RunFlag<boolean>,
  follow: { name: "follow", isBoolean: true, isOfHost: true, ...TRUTH } satisfies RunFlag<boolean>,
  symmetric: { ...SYMMETRIC_SETTINGS.symmetric, isBoolean: true } satisfies RunFlag<boolean>,
  rank: { ...SYMMETRIC_SETTINGS.rank, isOfHost: true } satisfies RunFlag<number>,
  ranks: { ...SYMMETRIC_SETTINGS.ranks, isOfHost: true } satisfies RunFlag<number>,
  head: { ...SYMMETRIC_SETTINGS.head, isOfHost: true } satisfies RunFlag<string>,
  insecure: { ...SETTINGS.insecure, isBoolean: true, isOfHost: true } satisfies RunFlag<boolean>,
};
type FlagName = keyof typeof FLAGS;

/** Those of the client's own way to the cluster: a driver that runs there has another. */
const OF_CLIENT: ReadonlySet<string> = new Set<FlagName>([
  ...(["master", "token-file", "tls-cert", "tls-key", "tls-ca", "insecure"] as const),
  ...(["symmetric", "rank", "ranks", "head", "detach", "follow"] as const),
]);

/** Names of all flags of a run; each has a variable. */
export const RUN_FLAG_NAMES: readonly string[] = Object.keys(FLAGS);

/**
 * Reads the flags of a program that is run directly.
 *
 * @throws {LucioleError} code "usage" when a value is missing or wrong; the message names the flag.
 */
export function parseRunFlags(argv: readonly string[], env: Variables): ParsedFlags {
  const texts: FlagTexts = {};
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] as string;
    if (argument === "--") {
      rest.push(...argv.slice(i + 1));
      break;
    }
    const [name, inline] = splitFlag(argument);
    if (name === undefined) {
      rest.push(argument);
    } else if (isBoolean(name)) {
      if (inline !== undefined) throw usage(`Cannot read --${name}: it takes no value, got "${inline}"`);
      texts[name] = "true";
    } else {
      const value = inline ?? argv[++i];
      if (value === undefined || value === "--") throw usage(`Cannot read --${name}: its value is missing`);
      texts[name] = value;
    }
  }
  return { options: compileRunFlags(texts, env), rest };
}

/**
 * Validates flags that somebody read already, with the LUCIOLE_* variables behind them.
 *
 * @throws {LucioleError} code "usage"
 */
export function compileRunFlags(texts: FlagTexts, env: Variables): RunFlags {
  const reader = new FlagReader(texts, env);
  const workers = reader.read(FLAGS.workers);
  const memoryBytes = reader.read(FLAGS.memory);
  const eventLog = reader.read(FLAGS["event-log"]);
  const detach = readDetach(reader, texts, env);
  if (detach !== undefined && reader.read(FLAGS.symmetric) === true) {
    throw usage("Cannot run with --symmetric and --detach: a symmetric run ends with its processes");
  }
  const symmetric = readSymmetric(reader, env);
  if (symmetric !== undefined && texts.master !== undefined) {
    throw usage(
      "Cannot run with --symmetric and --master: the processes of a symmetric run are a cluster of their own",
    );
  }
  const isFixed = reader.read(FLAGS.fixed) === true || symmetric !== undefined;
  if (isFixed && workers?.most !== undefined) {
    const because = symmetric === undefined ? "--fixed" : "--symmetric";
    throw usage(
      `Cannot run with ${because} and --workers ${workers.least}..${workers.most}: the number of workers does not change then`,
    );
  }
  const directory = reader.read(FLAGS.checkpoint);
  const isResumed = reader.read(FLAGS.resume) ?? false;
  if (isResumed && directory === undefined) {
    throw usage("Cannot run with --resume alone: say with --checkpoint DIR what to go on from");
  }
  const masters = symmetric === undefined ? reader.read(FLAGS.master) : [symmetric.head];
  if (detach !== undefined && masters === undefined) {
    throw usage("Cannot have an agent run the driver: --master must say of which cluster");
  }
  return {
    ...(workers === undefined ? {} : { workers: workers.least }),
    ...(workers?.most === undefined ? {} : { mostWorkers: workers.most }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(eventLog === undefined ? {} : { eventLog }),
    isJson: reader.read(FLAGS.json) ?? false,
    isQuiet: reader.read(FLAGS.quiet) ?? false,
    logLevel: reader.read(FLAGS["log-level"]) ?? "info",
    ...(isFixed ? { isFixed } : {}),
    ...(directory === undefined ? {} : { checkpoint: { directory, isResumed } }),
    ...(masters === undefined ? {} : { cluster: readCluster(reader, masters) }),
    ...(symmetric === undefined ? {} : { symmetric }),
    ...(detach === undefined ? {} : { detach }),
  };
}

function readDetach(reader: FlagReader, texts: FlagTexts, env: Variables): Detach | undefined {
  const follows = reader.read(FLAGS.follow) ?? false;
  if (reader.read(FLAGS.detach) !== true) {
    if (texts.follow !== undefined) throw usage("Cannot run with --follow alone: it goes with --detach");
    return undefined;
  }
  const flags: Record<string, string> = {};
  for (const name of RUN_FLAG_NAMES) {
    const text = texts[name as FlagName] ?? env[variableOf(name)];
    if (text !== undefined && text !== "" && !OF_CLIENT.has(name)) flags[name] = text;
  }
  return { follows, flags };
}

function readCluster(reader: FlagReader, masters: readonly string[]): ClusterFlags {
  const dataCenter = reader.read(FLAGS["data-center"]);
  const rack = reader.read(FLAGS.rack);
  const labels = reader.read(FLAGS.labels);
  const leaseMs = reader.read(FLAGS.lease);
  return {
    masters,
    isPatient: reader.read(FLAGS["no-wait"]) !== true,
    security: readSecurity(reader),
    ...(dataCenter === undefined ? {} : { dataCenter }),
    ...(rack === undefined ? {} : { rack }),
    ...(labels === undefined ? {} : { labels }),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  };
}

function isBoolean(name: FlagName): boolean {
  const flag: RunFlag<unknown> = FLAGS[name];
  return flag.isBoolean === true;
}

/** The flag's name and what stands after its `=`, when it is the engine's also in a program's own command line. */
function splitFlag(argument: string): [FlagName, string | undefined] | [undefined, undefined] {
  if (!argument.startsWith("--")) return [undefined, undefined];
  const equals = argument.indexOf("=");
  const name = argument.slice(2, equals < 0 ? undefined : equals);
  if (!isFlagName(name)) return [undefined, undefined];
  const flag: RunFlag<unknown> = FLAGS[name];
  if (flag.isOfHost === true) return [undefined, undefined];
  return [name, equals < 0 ? undefined : argument.slice(equals + 1)];
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

function usage(message: string): LucioleError {
  return new LucioleError("usage", message);
}
