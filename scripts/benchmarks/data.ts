/**
 * The input files of the workloads: which there are, how large, and their making.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { generateEdges, generateOrders, generatePoints, generateRecords, generateText } from "./generate.ts";

export type InputName = "w1.txt" | "w2.txt" | "orders.csv" | "users.csv" | "edges.txt" | "points.csv";

/** How much of everything, 1 being the sizes of the workloads as they are named. */
export const FULL = 1;
export const QUICK = 0.02;

/** Makes those of the files that are not there yet, and returns the path of each. */
export function provide(folder: string, names: readonly InputName[], scale: number): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return names.map((name) => {
    const path = join(folder, name);
    if (!existsSync(path)) make(folder, name, scale);
    return path;
  });
}

/** Under other names first, so that what was interrupted is not taken for whole. */
function make(folder: string, name: InputName, scale: number): void {
  const path = join(folder, name);
  const unfinished = `${path}.unfinished`;
  const count = (full: number): number => Math.round(full * scale);
  switch (name) {
    case "w1.txt":
      generateText(unfinished, count(200e6));
      break;
    case "w2.txt":
      generateRecords(unfinished, count(500e6));
      break;
    case "orders.csv":
    case "users.csv": {
      const [orders, users] = [join(folder, "orders.csv"), join(folder, "users.csv")];
      generateOrders(`${orders}.unfinished`, `${users}.unfinished`, count(5e6), count(1e6));
      renameSync(`${orders}.unfinished`, orders);
      renameSync(`${users}.unfinished`, users);
      return;
    }
    case "edges.txt":
      generateEdges(unfinished, count(1e6), count(8e6));
      break;
    case "points.csv":
      generatePoints(unfinished, count(2e6));
      break;
  }
  renameSync(unfinished, path);
}
