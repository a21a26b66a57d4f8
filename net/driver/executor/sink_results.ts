/**
 * What becomes of the sinks of an execution: checked before it runs, published when every
 * task has committed, swept away when it failed.
 */
import { sep } from "node:path";
import { PlanError } from "../../../core/errors.ts";
import { formatCallSite } from "../../../core/graph/call_site.ts";
import type { Graph, GraphNode } from "../../../core/graph/node.ts";
import type { ShardReport } from "../../../core/schedule/report.ts";
import { discardStaging, openStaging, publish, stagingDirectory } from "../../sink/staging.ts";
import { checkSink, placeOf } from "../../sink/target.ts";

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
 * Refuses sinks that cannot be written, before anything runs, and makes a place for what is staged.
 *
 * @throws {PlanError} If two sinks have one target, or one is in the directory of another.
 * @throws {LucioleError} If a target exists and may not be replaced, or cannot be written.
 */
export function openSinks(graph: Graph, execution: string): void {
  const sinks = sinksOf(graph);
  const places: string[] = [];
  for (const { node, spec } of sinks) {
    const place = placeOf(spec.path);
    if (places.some((other) => isWithin(place, other) || isWithin(other, place))) {
      const where = formatCallSite(graph.nodes[node].callSite);
      throw new PlanError(
        `Cannot write "${spec.path}" at ${where}: another sink of the flow writes there too`,
      );
    }
    places.push(place);
    checkSink({ path: spec.path, single: spec.isSingle, overwrite: spec.overwrite });
  }
  for (const { spec } of sinks) openStaging(spec.path, execution);
}

function isWithin(place: string, directory: string): boolean {
  return `${place}${sep}`.startsWith(`${directory}${sep}`);
}

/**
 * Publishes all sinks of an execution. Looks at all targets once more before the first: where one cannot be, none appears.
 *
 * @param published Takes what was written, by node.
 * @throws {LucioleError} If somebody put something in the place of one while the flow ran.
 */
export function publishSinks(
  graph: Graph,
  execution: string,
  sinks: readonly SinkParts[],
  published: Map<number, SinkResult>,
): void {
  for (const { spec } of sinksOf(graph)) {
    checkSink({ path: spec.path, single: spec.isSingle, overwrite: spec.overwrite });
  }
  for (const sink of sinks) published.set(sink.node, publishSink(graph, execution, sink));
}

/** Puts the parts of one sink in their place, all or none. */
function publishSink(graph: Graph, execution: string, sink: SinkParts): SinkResult {
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
  // A directory that was made for the first of them holds what was made for the others.
  for (const { spec } of [...sinksOf(graph)].reverse()) {
    discardStaging(stagingDirectory(spec.path, execution));
  }
}
