/**
 * The key of a sort: how it is got from rows and batches, and how two compare.
 *
 * The one place that reads a SortOrder. It knows nothing of runs, merging or files.
 */
import type { Column } from "../../batch/column.ts";
import { rowReader } from "../../batch/row_reader.ts";
import { wellFormed } from "../../batch/text.ts";
import { show } from "../../graph/arguments.ts";
import type { GraphNode, NodeId, UserFunction } from "../../graph/node.ts";
import type { SortOrder } from "../../plan/physical.ts";
import { nodeOf, type TaskScope } from "../task_scope.ts";
import { keyColumnOf } from "./key_texts.ts";

export interface SortKeys {
  /** The key is worked out by user code or from a field, so it is kept beside the row. */
  readonly isComputed: boolean;
  readonly descending: boolean;
  /** Set when user code compares: the rows are the keys. Turned round when descending. */
  readonly compare?: (a: unknown, b: unknown) => number;
  keyOf(row: unknown): unknown;
  /** Says that a key cannot be stored. */
  refuse(error: unknown): never;
  /** The keys of rows in a column, without making the rows where possible. */
  keyColumn(rows: Column): Column;
}

/**
 * The same rows with keys that sort as they are read. Marks of runs are values, so where a run is cut by them
 * its keys must be in the order of values; bytes that are not UTF-8 are in another one.
 */
export function readableKeys({ by }: SortOrder, rows: Column): Column {
  if (by === "row") return wellFormed(rows);
  if (by !== "pairKey") return rows;
  if (rows.kind !== "tuple") return wellFormed(rows);
  const [key, ...rest] = rows.columns;
  const readable = wellFormed(key);
  return readable === key ? rows : { ...rows, columns: [readable, ...rest] };
}

export function sortKeysOf(scope: TaskScope, order: SortOrder): SortKeys {
  const { descending } = order;
  const refuse = (error: unknown): never => {
    if (order.by !== "key" && order.by !== "compare") throw error;
    return scope.fail(order.node, error);
  };
  if (order.by === "pairKey") return { isComputed: false, descending, refuse, ...placeKey(0) };
  if (order.by === "key") {
    const access = computedKey(scope, nodeOf(scope.graph, order.node), refuse);
    return { isComputed: true, descending, refuse, ...access };
  }
  const compare =
    order.by === "compare" ? userCompare(scope, nodeOf(scope.graph, order.node), descending) : undefined;
  return { isComputed: false, descending, compare, refuse, keyOf: (row) => row, keyColumn: (rows) => rows };
}

type KeyAccess = Pick<SortKeys, "keyOf" | "keyColumn">;

function computedKey(scope: TaskScope, node: GraphNode, refuse: SortKeys["refuse"]): KeyAccess {
  if (node.spec.kind !== "sortBy") {
    throw new RangeError(`Cannot sort by key: node ${node.id} is ${node.spec.kind}, which has none`);
  }
  const { fn, field } = node.spec;
  const keyOf = guarded(scope, node.id, fn);
  const computed = (rows: Column): Column => {
    try {
      return mapKeys(rows, keyOf);
    } catch (error) {
      return refuse(error);
    }
  };
  if (field === undefined) return { keyOf, keyColumn: computed };
  const keyColumn = (rows: Column): Column => {
    const column = fieldOf(rows, field);
    return column === undefined ? computed(rows) : wellFormed(column);
  };
  return { keyOf, keyColumn };
}

function placeKey(place: number): KeyAccess {
  const keyOf = (row: unknown) => (Array.isArray(row) ? row[place] : undefined);
  return { keyOf, keyColumn: (rows) => fieldOf(rows, place) ?? mapKeys(rows, keyOf) };
}

/** The column of a field, when all rows of the batch have one. */
function fieldOf(rows: Column, field: string | number): Column | undefined {
  if (rows.validity !== undefined) return undefined;
  if (rows.kind === "tuple" && typeof field === "number") return rows.columns[field];
  if (rows.kind !== "object") return undefined;
  const place = rows.names.indexOf(String(field));
  return place < 0 ? undefined : rows.columns[place];
}

function mapKeys(rows: Column, keyOf: (row: unknown) => unknown): Column {
  const read = rowReader(rows);
  return keyColumnOf(rows.length, (i) => keyOf(read(i)));
}

function guarded(scope: TaskScope, node: NodeId, fn: UserFunction): (row: unknown) => unknown {
  const context = scope.context;
  return (row) => {
    try {
      return fn(row, context);
    } catch (error) {
      return scope.fail(node, error);
    }
  };
}

function userCompare(scope: TaskScope, node: GraphNode, descending: boolean): SortKeys["compare"] {
  const fn = "fn" in node.spec ? node.spec.fn : undefined;
  if (fn === undefined) return undefined;
  const sign = descending ? -1 : 1;
  return (a, b) => {
    try {
      // NaN is no order, and means equal as it does for Array.prototype.sort.
      return sign * checkedOrder(fn(a, b)) || 0;
    } catch (error) {
      return scope.fail(node.id, error);
    }
  };
}

function checkedOrder(order: unknown): number {
  if (typeof order === "number") return order;
  throw new TypeError(`Cannot compare two rows: the function must return a number, got ${show(order)}`);
}
