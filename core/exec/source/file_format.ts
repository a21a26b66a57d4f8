/**
 * What a format of input files does with their bytes.
 */
import type { FileSplit } from "./fault_log.ts";

export interface FileFormat {
  /** A file follows; its pieces come in order. */
  begin(split: FileSplit): void | Promise<void>;
  /** @param position Where in the file the piece begins. */
  push(piece: Uint8Array, position: number): void;
  /** The file, or the split of it, is over. */
  end(): void;
  /** There are no more files. */
  finish(): void;
  /** Nothing is read any more, also when not all files were: tells what is to tell. */
  close?(): Promise<void>;
}
