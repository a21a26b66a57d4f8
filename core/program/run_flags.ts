/**
 * The engine's own flags in a program's command line, and the LUCIOLE_* variables of the same names.
 *
 * Takes out exactly these flags, before a `--`; everything else is the program's and
 * stays untouched and in order. A flag wins over its variable.
 */
import { LucioleError } from "../errors.ts";
import { parseSize } from "./size.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
/** More worker processes than any machine has use for. */
export const MAX_WORKERS = 4096;
/** What is less lacks its unit: `10` is ten bytes. Programs that mean it ask openJob for it. */
const MIN_MEMORY_BYTES = 4 * 2 ** 20;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface RunFlags {
  /** Number of workers; all cores when missing. */
  readonly workers?: number;
  /** Memory of all workers together, in bytes. */
  readonly memoryBytes?: number;
  /** `host:port` of the cluster's master; local when missing. */
  readonly master?: string;
  /** Progress and errors as JSON lines on stderr. */
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly logLevel: LogLevel;
}

export interface ParsedFlags {
  readonly options: RunFlags;
  /** What is left for the program. */
  readonly rest: readonly string[];
}

/** The flags as text, by name; boolean flags are "true". */
export type FlagTexts = Partial<Record<FlagName, string>>;

const FLAGS = {
  workers: { isBoolean: false, variable: "LUCIOLE_WORKERS" },
  memory: { isBoolean: false, variable: "LUCIOLE_MEMORY" },
  master: { isBoolean: false, variable: "LUCIOLE_MASTER" },
  "log-level": { isBoolean: false, variable: "LUCIOLE_LOG_LEVEL" },
  json: { isBoolean: true, variable: "LUCIOLE_JSON" },
  quiet: { isBoolean: true, variable: "LUCIOLE_QUIET" },
} as const;
type FlagName = keyof typeof FLAGS;

/**
 * Reads the flags of a program that is run directly.
 *
 * @throws {LucioleError} code "usage" when a value is missing or wrong; the message names the flag.
 */
export function parseRunFlags(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedFlags {
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
    } else if (FLAGS[name].isBoolean) {
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
export function compileRunFlags(
  texts: FlagTexts,
  env: Readonly<Record<string, string | undefined>>,
): RunFlags {
  const workers = readFlag("workers", texts, env, parseWorkers, `a whole number from 1 to ${MAX_WORKERS}`);
  const memoryBytes = readFlag("memory", texts, env, parseMemory, memoryExpected);
  const master = readFlag("master", texts, env, parseMaster, 'an address such as "host:7400"');
  const isJson = readFlag("json", texts, env, parseBoolean, "true or false");
  const isQuiet = readFlag("quiet", texts, env, parseBoolean, "true or false");
  const logLevel = readFlag("log-level", texts, env, parseLogLevel, `one of ${LOG_LEVELS.join(", ")}`);
  return {
    ...(workers === undefined ? {} : { workers }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(master === undefined ? {} : { master }),
    isJson: isJson ?? false,
    isQuiet: isQuiet ?? false,
    logLevel: logLevel ?? "info",
  };
}

const memoryExpected = `a size of at least ${MIN_MEMORY_BYTES / 2 ** 20} MiB such as "2GiB" or "512MB"`;

function splitFlag(argument: string): [FlagName, string | undefined] | [undefined, undefined] {
  if (!argument.startsWith("--")) return [undefined, undefined];
  const equals = argument.indexOf("=");
  const name = argument.slice(2, equals < 0 ? undefined : equals);
  if (!Object.hasOwn(FLAGS, name)) return [undefined, undefined];
  return [name as FlagName, equals < 0 ? undefined : argument.slice(equals + 1)];
}

function readFlag<T>(
  name: FlagName,
  texts: FlagTexts,
  env: Readonly<Record<string, string | undefined>>,
  parse: (text: string) => T | undefined,
  expected: string,
): T | undefined {
  const variable = FLAGS[name].variable;
  // An empty variable counts as unset: that is how shells clear one for a single command.
  const text = texts[name] ?? (env[variable] === "" ? undefined : env[variable]);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  const where = texts[name] === undefined ? variable : `--${name}`;
  throw usage(`Cannot read ${where}: expected ${expected}, got "${text}"`);
}

function parseWorkers(text: string): number | undefined {
  const workers = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= MAX_WORKERS ? workers : undefined;
}

function parseMemory(text: string): number | undefined {
  const bytes = parseSize(text);
  return bytes === undefined || bytes < MIN_MEMORY_BYTES ? undefined : bytes;
}

function parseMaster(text: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^\s:/]+):\d{1,5}$/i.test(text) ? text : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  return /^(false|0|no|off)$/i.test(text) ? false : undefined;
}

function parseLogLevel(text: string): LogLevel | undefined {
  return LOG_LEVELS.find((level) => level === text);
}

function usage(message: string): LucioleError {
  return new LucioleError("usage", message);
}
