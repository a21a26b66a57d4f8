/**
 * Whether this process may write shards and spilled data: its agent says when the disk space is used up.
 *
 * One process, one disk. What users write themselves is not counted.
 */
import { LucioleError } from "../../core/errors.ts";

let refusal: string | undefined;

/** @param why Undefined when there is room. */
export function setDiskRefusal(why: string | undefined): void {
  refusal = why;
}

/** @throws {LucioleError} code "disk-full" */
export function checkDiskRoom(directory: string, neededBytes: number): void {
  if (refusal === undefined) return;
  throw new LucioleError("disk-full", `Cannot write to ${directory}: ${refusal}`, {
    fields: { directory, neededBytes },
  });
}
