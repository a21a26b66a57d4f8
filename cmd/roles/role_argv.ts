/**
 * Whether a command line starts a role (`luciole --role agent …`) or calls a verb.
 *
 * `--role` may stand anywhere before a verb; LUCIOLE_ROLE counts when neither is there, so that
 * `docker exec AGENT luciole status` is what it looks like.
 */
import { LucioleError } from "../../core/errors.ts";
import { similarWord } from "../../core/program/similar.ts";

export const ROLES = ["master", "agent", "driver", "task"] as const;
export type Role = (typeof ROLES)[number];

export interface RoleArguments {
  readonly role: Role;
  /** Without the role itself. */
  readonly rest: readonly string[];
}

/**
 * Undefined for a verb.
 *
 * @param fallback Value of LUCIOLE_ROLE.
 * @throws {LucioleError} code "usage" for what is no role
 */
export function splitRole(
  argv: readonly string[],
  verbs: readonly string[],
  fallback: string | undefined,
): RoleArguments | undefined {
  const end = argv.findIndex((argument) => argument === "--" || verbs.includes(argument));
  const before = end < 0 ? argv : argv.slice(0, end);
  const at = before.findIndex((argument) => argument === "--role" || argument.startsWith("--role="));
  if (at < 0) {
    const isVersion = argv.length > 0 && ["-V", "--version"].includes(argv[0] ?? "");
    if (end >= 0 || isVersion || fallback === undefined || fallback === "") return undefined;
    return { role: checkRole(fallback, "LUCIOLE_ROLE"), rest: argv };
  }
  const isApart = before[at] === "--role";
  const written = isApart ? argv[at + 1] : before[at]?.slice("--role=".length);
  if (written === undefined)
    throw usage(`Cannot read --role: its value is missing; it is one of ${ROLES.join(", ")}`);
  return { role: checkRole(written, "--role"), rest: argv.toSpliced(at, isApart ? 2 : 1) };
}

function checkRole(text: string, where: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role !== undefined) return role;
  const meant = similarWord(text, ROLES);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw usage(`Cannot read ${where}: expected one of ${ROLES.join(", ")}, got "${text}"${hint}`);
}

function usage(message: string): LucioleError {
  return new LucioleError("usage", message);
}
