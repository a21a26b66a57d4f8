/**
 * Checks a metagraph before anything of it runs, and says who reads what: flows are its vertices, datasets its edges.
 *
 * Pure: it knows vertices by their names and datasets by theirs, neither flows nor handles.
 */
import { PlanError } from "../errors.ts";
import { nearestName } from "../graph/arguments.ts";

/** A vertex, as far as its place in the metagraph goes. */
export interface VertexShape {
  readonly name: string;
  /** Datasets that it reads, by parameter: "vertex", "vertex.path", or a name that a vertex publishes. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Names of datasets of its own: the path of each among its outputs, "" for the only one. */
  readonly publishes: Readonly<Record<string, string>>;
  /** Paths of its datasets; undefined while they are not known. */
  readonly datasets: readonly string[] | undefined;
}

/** A dataset that one vertex makes and another reads. */
export interface MetaEdge {
  readonly from: string;
  /** Its place among the outputs of `from`. */
  readonly path: string;
  readonly to: string;
  readonly param: string;
}

export interface MetagraphPlan {
  /** Vertices, each after all that it reads of. */
  readonly order: readonly string[];
  readonly edges: readonly MetaEdge[];
}

/** @throws {PlanError} If it cannot be run, naming what is wrong with it. */
export function planMetagraph(vertices: readonly VertexShape[]): MetagraphPlan {
  for (const { name } of vertices) {
    if (name === "" || name.includes("."))
      throw refusal(`"${name}" cannot name a vertex: it must be a word without "."`);
  }
  const byName = new Map(vertices.map((vertex) => [vertex.name, vertex]));
  const published = publishedBy(vertices, byName);
  const edges = vertices.flatMap((vertex) => edgesOf(vertex, byName, published));
  return { order: inOrder(vertices, edges), edges };
}

/** What is wrong with a metagraph. */
export function refusal(why: string, cause?: unknown): PlanError {
  return new PlanError(`Cannot run the metagraph: ${why}`, cause === undefined ? {} : { cause });
}

/** @throws {PlanError} If the outputs of a vertex have no dataset there. */
export function checkPath(vertex: string, path: string, datasets: readonly string[]): void {
  if (datasets.includes(path)) return;
  const has =
    datasets.length === 0
      ? "it makes none"
      : `it makes ${datasets.map((one) => named(vertex, one)).join(", ")}`;
  const near = nearestName(path, datasets);
  const hint = near === undefined || near === "" ? has : `did you mean ${named(vertex, near)}?`;
  throw refusal(`vertex "${vertex}" makes no dataset ${named(vertex, path)}, ${hint}`);
}

function named(vertex: string, path: string): string {
  return path === "" ? `"${vertex}"` : `"${vertex}.${path}"`;
}

interface Place {
  readonly from: string;
  readonly path: string;
}

function publishedBy(
  vertices: readonly VertexShape[],
  byName: ReadonlyMap<string, VertexShape>,
): ReadonlyMap<string, Place> {
  const published = new Map<string, Place>();
  for (const { name: from, publishes, datasets } of vertices) {
    for (const [name, path] of Object.entries(publishes)) {
      const other = published.get(name);
      if (other !== undefined) {
        throw refusal(`dataset "${name}" has two producers, vertices "${other.from}" and "${from}"`);
      }
      if (byName.has(name)) {
        throw refusal(`"${name}" names a vertex, and a dataset that vertex "${from}" publishes`);
      }
      if (datasets !== undefined) checkPath(from, path, datasets);
      published.set(name, { from, path });
    }
  }
  return published;
}

function edgesOf(
  { name: to, inputs }: VertexShape,
  byName: ReadonlyMap<string, VertexShape>,
  published: ReadonlyMap<string, Place>,
): MetaEdge[] {
  return Object.entries(inputs).map(([param, dataset]) => {
    const dot = dataset.indexOf(".");
    const written =
      dot < 0 ? { from: dataset, path: "" } : { from: dataset.slice(0, dot), path: dataset.slice(dot + 1) };
    const { from, path } = published.get(dataset) ?? written;
    const producer = byName.get(from);
    if (producer === undefined) {
      const known = [...published.keys(), ...byName.keys()];
      const near = nearestName(dataset, known) ?? nearestName(from, known);
      const hint = near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`;
      throw refusal(`vertex "${to}" reads dataset "${dataset}", which nobody makes, ${hint}`);
    }
    if (producer.datasets !== undefined) checkPath(from, path, producer.datasets);
    return { from, path, to, param };
  });
}

/** Each vertex after those that it reads of. */
function inOrder(vertices: readonly VertexShape[], edges: readonly MetaEdge[]): string[] {
  const order: string[] = [];
  const edgesTo = Map.groupBy(edges, ({ to }) => to);
  const done = new Set<string>();
  const path = new Set<string>();
  const visit = (name: string): void => {
    if (done.has(name)) return;
    if (path.has(name)) {
      const cycle = [...path, name].slice([...path].indexOf(name));
      throw refusal(`it has the cycle ${cycle.toReversed().join(" → ")}`);
    }
    path.add(name);
    for (const { from } of edgesTo.get(name) ?? []) visit(from);
    path.delete(name);
    done.add(name);
    order.push(name);
  };
  for (const { name } of vertices) visit(name);
  return order;
}
