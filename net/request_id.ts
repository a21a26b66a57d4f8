/**
 * Ids of requests: as clients name them, in errors, and in the lines that are logged of failures.
 */
import { randomUUID } from "node:crypto";
import { describeThrown, LucioleError } from "../core/errors.ts";
import { ID_PATTERN, REQUEST_HEADER } from "./protocol.ts";
import { failure } from "./replies.ts";

/** Told of each request that is refused or fails, in one line. */
export type OnFailure = (line: string) => void;

const MAX_PATH = 200;

/** As its client named it; undefined when it did not, as workers do not. */
export function requestId({ headers }: Request): string | undefined {
  const id = headers.get(REQUEST_HEADER);
  return id !== null && ID_PATTERN.test(id) ? id : undefined;
}

/** The answer to a request that failed; tells of it. */
export function failedRequest(
  request: Request,
  error: unknown,
  { status, onFailure }: { readonly status?: number; readonly onFailure?: OnFailure | undefined },
): Response {
  const id = requestId(request) ?? randomUUID().slice(0, 8);
  // Drivers and workers may go on for a moment when a job has ended: that is no failure.
  const isLate = error instanceof LucioleError && error.fields.hasEnded === true;
  if (onFailure !== undefined && !isLate) {
    const path = new URL(request.url).pathname.slice(0, MAX_PATH);
    onFailure(`request ${id} (${request.method} ${path}) failed: ${describeThrown(error)}`);
  }
  return failure(error, status, id);
}
