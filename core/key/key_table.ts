/**
 * Numbers keys densely in order of first insertion, by value.
 */
import type { Column } from "../batch/column.ts";
import { gather } from "../batch/gather.ts";
import { columnOf } from "../batch/make.ts";
import { rowReader } from "../batch/row_reader.ts";
import { measureValue } from "../batch/serialisable.ts";
import { equalValues } from "./compare.ts";
import { hashValue } from "./hash.ts";

export class KeyTable {
  #keys: unknown[] = [];
  #hashes: number[] = [];
  #slots = new Map<number, number[]>();
  #bytes = 0;

  get size(): number {
    return this.#keys.length;
  }
  get sizeBytes(): number {
    return this.#bytes;
  }
  add(key: unknown): number {
    return this.#add(key, hashValue(key));
  }
  addAt(column: Column, i: number, hash: number): number {
    return this.#add(rowReader(column)(i), hash);
  }
  find(key: unknown): number {
    return this.#find(key, hashValue(key));
  }
  findAt(column: Column, i: number, hash: number): number {
    return this.#find(rowReader(column)(i), hash);
  }
  key(entry: number): unknown {
    return this.#keys[entry];
  }
  hash(entry: number): number {
    return this.#hashes[entry];
  }
  keyColumn(entries: Uint32Array): Column {
    return gather(columnOf(this.#keys), entries);
  }
  clear(): void {
    this.#keys = [];
    this.#hashes = [];
    this.#slots.clear();
    this.#bytes = 0;
  }
  #find(key: unknown, hash: number): number {
    return this.#slots.get(hash)?.find((entry) => equalValues(this.#keys[entry], key)) ?? -1;
  }
  #add(key: unknown, hash: number): number {
    const found = this.#find(key, hash);
    if (found >= 0) return found;
    const entry = this.#keys.push(key) - 1;
    this.#hashes.push(hash);
    this.#slots.set(hash, [...(this.#slots.get(hash) ?? []), entry]);
    this.#bytes += 32 + measureValue(key);
    return entry;
  }
}
