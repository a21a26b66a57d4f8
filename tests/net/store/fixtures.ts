/** What the tests of the store share: a directory that goes away, and batches of numbers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBatch } from "../../../core/batch/codec.ts";
import type { Batch } from "../../../core/batch/column.ts";
import type { BatchReader } from "../../../core/exec/ports.ts";
import { codecPorts } from "../../../net/codec_ports.ts";

const made: string[] = [];

/** To be given to `afterEach` by each test file: a hook of this module would belong to the first of them only. */
export function removeTemporaryDirectories(): void {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "luciole-files-"));
  made.push(directory);
  return directory;
}

export function numberItem(values: readonly number[]): Uint8Array {
  const column = { kind: "number", length: values.length, values: Float64Array.from(values) } as const;
  return encodeBatch({ rows: values.length, column }, codecPorts);
}

export function numbersOf(batch: Batch): number[] {
  if (batch.column.kind !== "number") throw new Error(`expected numbers, got ${batch.column.kind}`);
  return Array.from(batch.column.values);
}

export async function readAll(reader: BatchReader): Promise<number[][]> {
  const batches: number[][] = [];
  for (;;) {
    const batch = await reader.next();
    if (batch === undefined) return batches;
    batches.push(numbersOf(batch));
  }
}
