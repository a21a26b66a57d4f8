/**
 * One string for each node, equal exactly when two graphs mean the same steps.
 *
 * Closures are not compared: the same program is known by its hash. What is
 * compared is what a builder can change: kinds, options and inputs. Of datasets of
 * the job only their number in the graph, so that iterations have equal fingerprints.
 */
import { PlanMismatchError } from "../errors.ts";
import { formatCallSite } from "./call_site.ts";
import type { Graph, GraphNode } from "./node.ts";

/** Describes every node in order: `filter <- 1`. */
export function fingerprint(graph: Graph): readonly string[] {
  const datasets = datasetsOf(graph);
  return graph.nodes.map((node) => describeNode(node, datasets));
}

/** The datasets of the job that a graph reads, each once, in the order of the nodes. */
export function datasetsOf(graph: Graph): readonly string[] {
  return [...new Set(graph.nodes.flatMap(({ spec }) => (spec.kind === "from" ? [spec.dataset] : [])))];
}

/**
 * Compares the fingerprint that the driver planned with to the one of this worker's graph.
 *
 * @throws {PlanMismatchError} If they differ; names the first step that does.
 */
export function checkFingerprint(expected: readonly string[], actual: readonly string[], graph: Graph): void {
  const steps = Math.max(expected.length, actual.length);
  for (let i = 0; i < steps; i++) {
    if (expected[i] === actual[i]) continue;
    const node = graph.nodes[Math.min(i, graph.nodes.length - 1)];
    throw new PlanMismatchError(
      `Cannot run flow "${graph.flow}": step ${i} at ${formatCallSite(node?.callSite)} is ` +
        `${actual[i] ?? "missing"} in a worker and ${expected[i] ?? "missing"} in the driver; ` +
        "a flow must be a pure function of its parameters",
      { fields: { flow: graph.flow, step: i } },
    );
  }
}

function describeNode(node: GraphNode, datasets: readonly string[]): string {
  if (node.spec.kind === "from") return `from(dataset: ${datasets.indexOf(node.spec.dataset)})`;
  const { kind, ...options } = node.spec;
  const text = Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false && typeof value !== "function")
    .map(
      ([name, value]) =>
        `${name}: ${name === "values" ? `${(value as unknown[]).length} rows` : write(value)}`,
    )
    .join(", ");
  const inputs = node.inputs.length === 0 ? "" : ` <- ${node.inputs.join(", ")}`;
  return `${kind}${text === "" ? "" : `(${text})`}${inputs}`;
}

/** Like JSON, with closures left out and numbers such as Infinity kept. */
function write(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === "function"
      ? undefined
      : typeof part === "number" && !Number.isFinite(part)
        ? String(part)
        : part,
  );
}
