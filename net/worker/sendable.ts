/**
 * Makes what user code tells fit to travel: bounded in length, plain in its values.
 *
 * A worker that cannot tell how its attempt ended would have to be taken for lost.
 */
import type { ErrorFields, WireError } from "../../core/errors.ts";

/** As much as a line of a process's output, see line_splitter.ts. */
const MAX_TEXT_LENGTH = 64 * 1024;

/** A text that is cut where it is too long to be read by anybody. */
export function sendableText(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  return `${text.slice(0, MAX_TEXT_LENGTH)} … (${text.length - MAX_TEXT_LENGTH} characters more)`;
}

/** An error with all of its causes. */
export function sendableError(error: WireError): WireError {
  const { name, code, message, stack, fields, cause } = error;
  return {
    ...error,
    name: sendableText(String(name)),
    code: sendableText(String(code)),
    message: sendableText(String(message)),
    fields: plainFields(fields),
    ...(stack === undefined ? {} : { stack: sendableText(String(stack)) }),
    ...(cause === undefined ? {} : { cause: sendableError(cause) }),
  };
}

/** User code may make errors of the engine's classes with whatever fields. */
function plainFields(fields: ErrorFields): ErrorFields {
  const plain: Record<string, ErrorFields[string]> = {};
  for (const [name, value] of Object.entries(fields ?? {})) {
    if (name === "__proto__") continue;
    const isPlain = value === null || typeof value === "number" || typeof value === "boolean";
    plain[name] = isPlain ? value : sendableText(String(value));
  }
  return plain;
}
