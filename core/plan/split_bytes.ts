/** How much a task reads of a source, where that is known: bytes of files, 0 of anything else. */
import type { SourceSplit } from "./physical.ts";

export function splitBytes(split: SourceSplit): number {
  if (split.kind === "files") return split.files.reduce((total, file) => total + splitBytes(file), 0);
  if (split.kind !== "file") return 0;
  return Number.isFinite(split.end) ? split.end - split.start : (split.estimatedBytes ?? 0);
}
