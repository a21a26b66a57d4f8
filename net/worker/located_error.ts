/**
 * Says of errors on which machine they came up; of those about files in their message: elsewhere the files may be there.
 */
import { hostname } from "node:os";
import type { WireError } from "../../core/errors.ts";
import { LOCAL_AGENT } from "../protocol.ts";

const FILE_CODES: ReadonlySet<string> = new Set([
  "input-missing",
  "input-unreadable",
  "output-unwritable",
  "disk-full",
]);
const MAX_CAUSES = 6;

/** The same error; on a cluster it names the agent and its host. */
export function locatedError(error: WireError, agent: string, depth = 0): WireError {
  if (agent === LOCAL_AGENT || depth > MAX_CAUSES) return error;
  const cause = error.cause === undefined ? {} : { cause: locatedError(error.cause, agent, depth + 1) };
  if (error.fields.agent !== undefined) return { ...error, ...cause };
  const host = hostname();
  if (!FILE_CODES.has(error.code)) {
    // Words that differ from machine to machine would make one failure two.
    return depth > 0
      ? { ...error, ...cause }
      : { ...error, ...cause, fields: { ...error.fields, agent, host } };
  }
  const hint = error.code === "disk-full" ? "" : "; every machine must see the files of a job";
  const message = `${error.message} (on agent ${agent} of host ${host}${hint})`;
  return { ...error, ...cause, message, fields: { ...error.fields, agent, host } };
}
