/**
 * Finds LUCIOLE_* variables that nothing reads: a slip in a unit file or a Dockerfile would
 * go unseen otherwise.
 */
import { LucioleError } from "../errors.ts";
import { type Variables, variableOf } from "../program/flag_reader.ts";
import { similarWord } from "../program/similar.ts";
import { SETTINGS } from "./settings.ts";

const PREFIX = "LUCIOLE_";
/** Kubernetes gives every container the addresses of services, one of which may be named luciole-master. */
const OF_SERVICES = /_(SERVICE_(HOST|PORT)|PORT)(_|$)/;

export interface CheckOptions {
  /** Take what is like no variable that there is: a program may have some of such names itself. */
  readonly isLenient?: boolean;
}

/**
 * @param others Variables that are read elsewhere
 * @throws {LucioleError} code "usage" that names the first unknown one
 */
export function checkVariables(env: Variables, others: readonly string[], options: CheckOptions = {}): void {
  const known = new Set([...Object.values(SETTINGS).map(({ name }) => variableOf(name)), ...others]);
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text === "") continue;
    if (known.has(variable) || OF_SERVICES.test(variable)) continue;
    const names = Array.from(known, (name) => name.slice(PREFIX.length));
    const similar = similarWord(variable.slice(PREFIX.length), names);
    const meant = similar === undefined ? undefined : `${PREFIX}${similar}`;
    if (meant === undefined && options.isLenient === true) continue;
    const hint = meant === undefined ? "luciole help variables lists all" : `did you mean ${meant}?`;
    throw new LucioleError("usage", `Cannot use the variable ${variable}: nothing reads it; ${hint}`);
  }
}
