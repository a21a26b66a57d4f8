/**
 * Sinks at the moment between "all parts are there" and "all are published": written down before, and brought to their
 * end by the next driver when the one that began has died in between.
 */
import type { DoneRecord, PastSink, PublishingRecord } from "../../core/checkpoint/records.ts";
import type { Graph } from "../../core/graph/node.ts";
import type { PublishCommand } from "../driver/executor/running_executions.ts";
import { sinksOf } from "../driver/executor/sink_results.ts";
import { inodeOf, redoPublish, stagingDirectory } from "../sink/staging.ts";

export function pastSinks(graph: Graph, execution: string, sinks: PublishCommand["sinks"]): PastSink[] {
  const specs = new Map(sinksOf(graph).map(({ node, spec }) => [node, spec]));
  return sinks.flatMap(({ node, parts }) => {
    const spec = specs.get(node);
    if (spec === undefined) return [];
    const staging = stagingDirectory(spec.path, execution);
    const sorted = [...parts].sort((a, b) => a.task - b.task);
    const known = sorted.map(({ attempt, file }) => {
      const part = { attempt, name: file.name, rows: file.rows, bytes: file.bytes };
      return { ...part, inode: inodeOf(staging, part) };
    });
    return [{ node, parts: known }];
  });
}

/** @returns Undefined when not all of them could be published: the execution has to run again. */
export function redoSinks(graph: Graph, publishing: PublishingRecord): DoneRecord | undefined {
  const { number, totals, outputs, execution } = publishing;
  const specs = new Map(sinksOf(graph).map(({ node, spec }) => [node, spec]));
  const sinks: DoneRecord["sinks"][number][] = [];
  for (const { node, parts } of publishing.sinks) {
    const spec = specs.get(node);
    if (spec === undefined) return undefined;
    const { path, isSingle, overwrite } = spec;
    const staging = stagingDirectory(path, execution);
    const published = redoPublish({ path, single: isSingle, overwrite, staging, parts });
    if (published === undefined) return undefined;
    sinks.push({ node, ...published });
  }
  return { kind: "done", number, totals, outputs, sinks };
}
