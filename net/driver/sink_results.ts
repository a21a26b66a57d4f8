/**
 * What becomes of the sinks of an execution: checked before it runs, published when every
 * task has committed, swept away when it failed.
 */
import { resolve } from "node:path";
import { PlanError } from "../../core/errors.ts";
import { formatCallSite } from "../../core/graph/call_site.ts";
import type { Graph, GraphNode } from "../../core/graph/node.ts";
import type { ShardReport } from "../../core/schedule/report.ts";
import { checkSink, discardStaging, publish, stagingDirectory } from "../sink/staging.ts";

/**
 * What a sink wrote.
 *
 * @example Listing the part files
 * ```ts
 * import { flow, run, type SinkResult } from "luciole";
 * const write = flow("write-parts", (f, p: { out: string }) => f.range(4, { shards: 2 }).writeText(p.out, String, { overwrite: true }));
 * const describe = ({ files, rows }: SinkResult): string => `${rows} rows in ${files.join(" and ")}`;
 * await run(async (job) => {
 *   const sink = await job.execute(write, { out: "parts" });
 *   console.log(describe(await sink.result())); // 4 rows in part-00000.txt and part-00001.txt
 * });
 * ```
 */
export interface SinkResult {
  /** The directory, or the one file. */
  readonly path: string;
  /** How many rows were written. */
  readonly rows: number;
  /** How many bytes were written. */
  readonly bytes: number;
  /** Names of the part files within the directory, in shard order. */
  readonly files: readonly string[];
}

/** The committed part files of one sink, one for each task. */
export interface SinkParts {
  readonly node: number;
  readonly parts: readonly {
    readonly task: number;
    readonly attempt: string;
    readonly file: NonNullable<ShardReport["sinkFile"]>;
  }[];
}

type SinkSpec = Extract<GraphNode["spec"], { kind: "sink" }>;

/** The sinks of a graph. */
export function sinksOf(graph: Graph): readonly { readonly node: number; readonly spec: SinkSpec }[] {
  return graph.nodes.flatMap((node) =>
    node.spec.kind === "sink" ? [{ node: node.id, spec: node.spec }] : [],
  );
}

/**
 * Refuses sinks that cannot be written, before anything runs.
 *
 * @throws {PlanError} If two sinks have one target.
 * @throws {LucioleError} If a target exists and is no output of Luciole, or cannot be written.
 */
export function checkSinks(graph: Graph): void {
  const paths = new Set<string>();
  for (const { node, spec } of sinksOf(graph)) {
    const path = resolve(spec.path);
    if (paths.has(path)) {
      const where = formatCallSite(graph.nodes[node].callSite);
      throw new PlanError(
        `Cannot write "${spec.path}" at ${where}: another sink of the flow writes there too`,
      );
    }
    paths.add(path);
    checkSink({ path: spec.path, single: spec.isSingle, overwrite: spec.overwrite });
  }
}

/** Puts the parts of one sink in their place, all or none. */
export function publishSink(graph: Graph, execution: string, sink: SinkParts): SinkResult {
  const spec = graph.nodes[sink.node].spec as SinkSpec;
  return publish({
    path: spec.path,
    single: spec.isSingle,
    overwrite: spec.overwrite,
    staging: stagingDirectory(spec.path, execution),
    parts: [...sink.parts]
      .sort((a, b) => a.task - b.task)
      .map(({ attempt, file }) => ({ attempt, name: file.name, rows: file.rows, bytes: file.bytes })),
  });
}

/** Deletes what an execution staged and did not publish. */
export function discardSinks(graph: Graph, execution: string): void {
  for (const { spec } of sinksOf(graph)) discardStaging(stagingDirectory(spec.path, execution));
}
