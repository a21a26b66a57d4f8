/**
 * Why the system refused a file or a directory, in words: for messages that name the path themselves.
 */
import { describeThrown } from "../core/errors.ts";
import { systemCode } from "./store/disk.ts";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "there is a file of that name",
  EISDIR: "it is a directory",
  ENOENT: "there is no such file or directory",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is a file",
  EROFS: "its file system is read-only",
};

export function systemReason(error: unknown): string {
  return REASONS[systemCode(error) ?? ""] ?? describeThrown(error);
}
