/**
 * What a person reads when a job has failed: the first cause in one line, then the user's own
 * lines of code and the causes behind it. Knows nothing of terminals.
 */
import { describeThrown, LucioleError } from "../errors.ts";
import { isEngineStack, userFrames } from "../graph/call_site.ts";

const MAX_CAUSES = 6;
const MAX_FRAMES = 4;

/** Of the way to another machine: what is behind them is how the runtime says the same. */
const COMPLETE: ReadonlySet<string> = new Set(["unreachable", "foreign", "auth", "address"]);

/** Lines to print for whatever was thrown; the first says everything that matters. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${oneLine(describeThrown(error))}`;
  let said = headline(error);
  if (error instanceof LucioleError && COMPLETE.has(error.code)) return `error: ${said}`;
  const lines = [`error: ${said}`, ...framesOf(error, said)];
  let cause: unknown = error.cause;
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++, cause = cause.cause) {
    const text = headline(cause);
    if (!said.includes(oneLine(cause.message))) lines.push(`  caused by: ${text}`);
    said += text;
    lines.push(...framesOf(cause, lines.join("\n")));
  }
  return lines.join("\n");
}

/** Errors that the engine made speak for themselves; others are named with their class. */
function headline(error: Error): string {
  const isPlain = error.name === "Error" && error.message !== "";
  if (isPlain || isEngineStack(error.stack ?? "")) return oneLine(error.message);
  return oneLine(describeThrown(error));
}

/** The frames in the user's files, without the lines that were told already. */
function framesOf(error: Error, said: string): readonly string[] {
  const lines: string[] = [];
  if (error instanceof LucioleError && error.code === "usage") return lines;
  for (const { text, site } of userFrames(error.stack ?? "")) {
    const line = `    ${text.replace(/^at (?:async )?<anonymous> \((.*)\)$/, "at $1")}`;
    const isTold = said.split(`${site.file}:${site.line}`).some((after, i) => i > 0 && !/^\d/.test(after));
    if (!isTold && !lines.includes(line) && lines.push(line) === MAX_FRAMES) break;
  }
  return lines;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " | ");
}
