/**
 * Writes what Bun's bundler and loader complain of, for people: `job.ts:3:10: Unexpected ;`.
 */

/** The complaints of a failed build or import, one a line; undefined when the error is another one. */
export function describeBuildError(error: unknown): string | undefined {
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return parts.length > 0 && parts.every(isMessage) ? parts.map(describePart).join("\n  ") : undefined;
}

function isMessage(part: unknown): part is BuildMessage | ResolveMessage {
  return part instanceof BuildMessage || part instanceof ResolveMessage;
}

function describePart(part: BuildMessage | ResolveMessage): string {
  const at = part.position;
  // A module that is missed at run time has a position without a line.
  return at === null || at.line <= 0 ? part.message : `${at.file}:${at.line}:${at.column}: ${part.message}`;
}
