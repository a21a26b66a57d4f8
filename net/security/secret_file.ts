/**
 * The file of a cluster's secret: made once, copied to each machine, readable by its owner alone.
 *
 * What it holds never comes into a message.
 */
import { open } from "node:fs/promises";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import { ClusterSecret, randomSecret, SECRET_BYTES } from "./cluster_secret.ts";

const OTHERS = 0o077;
const MAX_FILE_BYTES = 1000;

/** Makes a file with a new secret. @throws {LucioleError} code "usage" when there is one. */
export async function writeSecret(path: string): Promise<void> {
  const file = await open(path, "wx", 0o600).catch((error: unknown) => {
    throw unusable("make", path, reasonOf(error));
  });
  try {
    // The mask of the process may have taken more away, and must not have left more.
    if (process.platform !== "win32") await file.chmod(0o600);
    await file.writeFile(`${randomSecret()}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads a secret. @throws {LucioleError} code "usage" when it is missing, open to others, or none. */
export async function readSecret(path: string): Promise<ClusterSecret> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw unusable("read", path, reasonOf(error));
  });
  try {
    const { mode, size } = await file.stat();
    const isOpen = process.platform !== "win32" && (mode & OTHERS) !== 0;
    if (isOpen) {
      const seen = (mode & 0o777).toString(8).padStart(4, "0");
      throw unusable("read", path, `others may use it (mode ${seen}); run chmod 600 on it`);
    }
    if (size > MAX_FILE_BYTES) throw unusable("read", path, "it holds no secret; luciole token makes one");
    return parseSecret(path, await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

function parseSecret(path: string, text: string): ClusterSecret {
  let bytes: Uint8Array | undefined;
  try {
    bytes = Uint8Array.fromBase64(text.trim(), { alphabet: "base64url" });
  } catch {
    // No base64: as any other text that is no secret.
  }
  if (bytes?.length !== SECRET_BYTES) {
    throw unusable("read", path, "it holds no secret; luciole token makes one");
  }
  return new ClusterSecret(bytes);
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: "there is a file already, and other machines may use its secret",
  ENOENT: "there is no such file or directory",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return REASONS[code] ?? code;
}

function unusable(verb: string, path: string, why: string): LucioleError {
  return new LucioleError("usage", `Cannot ${verb} the secret file ${path}: ${why}`, { fields: { path } });
}
