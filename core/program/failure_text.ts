/**
 * What a person reads when a job has failed: the first cause in one line, then the chain.
 */

const MAX_CAUSES = 6;
const MAX_FRAMES = 4;

/** Lines to print for an error; the first says everything that matters. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const lines = [`error: ${oneLine(error.message)}`];
  let cause: unknown = error.cause;
  let said = error.message;
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++, cause = cause.cause) {
    if (!said.includes(cause.message)) lines.push(`  caused by ${cause.name}: ${oneLine(cause.message)}`);
    lines.push(...userFrames(cause));
    said = cause.message;
  }
  return lines.join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " | ");
}

/** The frames of a stack that lie in the user's own files. */
function userFrames(error: Error): readonly string[] {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s*at /.test(line));
  const own = frames.filter((line) => !/\$bunfs|node:|native|\(anonymous\)$|\/(core|net)\/\w/.test(line));
  return own.slice(0, MAX_FRAMES).map((line) => `    ${line.trim()}`);
}
