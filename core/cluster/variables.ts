/**
 * Finds LUCIOLE_* variables that nothing reads: a slip in a unit file or a Dockerfile would
 * go unseen otherwise.
 */
import { LucioleError } from "../errors.ts";
import { type Variables, variableOf } from "../program/flag_reader.ts";
import { similarWord } from "../program/similar.ts";
import { SETTINGS } from "./settings.ts";

/** Kubernetes gives every container the addresses of services, one of which may be named luciole-master. */
const OF_SERVICES = /_(SERVICE_(HOST|PORT)|PORT)(_|$)/;

/**
 * @param others Variables that are read elsewhere
 * @throws {LucioleError} code "usage" that names the first unknown one
 */
export function checkVariables(env: Variables, others: readonly string[]): void {
  const known = new Set([...Object.values(SETTINGS).map(({ name }) => variableOf(name)), ...others]);
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("LUCIOLE_") || text === undefined || text === "") continue;
    if (known.has(variable) || OF_SERVICES.test(variable)) continue;
    const meant = similarWord(variable, known);
    const hint = meant === undefined ? "luciole help variables lists all" : `did you mean ${meant}?`;
    throw new LucioleError("usage", `Cannot use the variable ${variable}: nothing reads it; ${hint}`);
  }
}
