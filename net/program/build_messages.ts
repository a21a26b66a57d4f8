/**
 * Writes what Bun's bundler and loader complain of, for people: `job.ts:3:10: Unexpected ;`.
 */

const MAX_COMPLAINTS = 3;

/** The complaints of a failed build or import, one a line; undefined when the error is another one. */
export function describeBuildError(error: unknown): string | undefined {
  // Names that a module does not export are missed at run time only, without a place.
  if (error instanceof SyntaxError && error.message.startsWith("Export named ")) return error.message;
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  if (parts.length === 0 || !parts.every(isMessage)) return undefined;
  // Many complaints have one cause: what is no program at all makes hundreds of them.
  const shown = parts.length > MAX_COMPLAINTS ? parts.slice(0, 1) : parts;
  const more = parts.length - shown.length;
  return [...shown.map(describePart), ...(more === 0 ? [] : [`and ${more} more`])].join("\n  ");
}

function isMessage(part: unknown): part is BuildMessage | ResolveMessage {
  return part instanceof BuildMessage || part instanceof ResolveMessage;
}

function describePart(part: BuildMessage | ResolveMessage): string {
  const at = part.position;
  // A module that is missed at run time has a position without a line.
  return at === null || at.line <= 0 ? part.message : `${at.file}:${at.line}:${at.column}: ${part.message}`;
}
