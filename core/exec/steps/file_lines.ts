/**
 * The work of the step "lines": opens the files whose paths are the rows and
 * gives their lines.
 *
 * It knows nothing of compression or file systems: the port opens paths.
 */
import type { StringColumn } from "../../batch/column.ts";
import { tupleBatch } from "../../batch/make.ts";
import { LineSplitter } from "../../format/lines.ts";
import type { NodeId } from "../../graph/node.ts";
import type { ByteReader } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import type { AsyncOutput, AsyncWork } from "./async_operator.ts";
import type { Feed } from "./feed.ts";

export class FileLines implements AsyncWork {
  readonly name = "lines";
  readonly #scope: TaskScope;
  readonly #node: NodeId;
  readonly #withPath: boolean;
  #reader: ByteReader | undefined;

  constructor(scope: TaskScope, node: NodeId, withPath: boolean) {
    this.#scope = scope;
    this.#node = node;
    this.#withPath = withPath;
  }

  async run(feed: Feed, output: AsyncOutput): Promise<void> {
    for (;;) {
      const group = await feed.take();
      if (group === undefined) return;
      for (let i = 0; i < group.length; i += 1) {
        if (output.isDone()) return;
        try {
          this.#open(group.read(i));
          await this.#push(group.read(i), output);
        } finally {
          this.abort();
        }
      }
    }
  }

  abort(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #open(path: unknown): void {
    try {
      if (typeof path !== "string") throw new TypeError(`Cannot open a file: its path is a ${typeof path}`);
      // Read to its end, a file is opened by what it holds, compressed or not.
      const split = {
        kind: "file",
        path,
        start: 0,
        end: Number.POSITIVE_INFINITY,
        compression: "none",
      } as const;
      this.#reader = this.#scope.ports.openSplit(split);
    } catch (error) {
      this.#scope.fail(this.#node, error);
    }
  }

  async #push(path: unknown, output: AsyncOutput): Promise<void> {
    const splitter = new LineSplitter({
      onBatch: ({ rows, column }) => {
        if (!this.#withPath) output.batch({ rows, column });
        else output.batch(tupleBatch([repeatText(String(path), rows), column], rows));
      },
    });
    for (;;) {
      const piece = await this.#next();
      if (piece === undefined || output.isDone()) break;
      this.#scope.totals.bytesIn += piece.byteLength;
      splitter.push(piece);
      const waiting = output.room();
      if (waiting !== undefined) await waiting;
    }
    splitter.endFile();
    splitter.flush();
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      return await this.#reader?.next();
    } catch (error) {
      return this.#scope.fail(this.#node, error);
    }
  }
}

/** A column that holds one text in every row. */
function repeatText(text: string, rows: number): StringColumn {
  const one = new TextEncoder().encode(text);
  const bytes = new Uint8Array(one.length * rows);
  const offsets = new Uint32Array(rows + 1);
  for (let i = 0; i < rows; i += 1) {
    bytes.set(one, i * one.length);
    offsets[i + 1] = (i + 1) * one.length;
  }
  return { kind: "string", length: rows, offsets, bytes };
}
