/**
 * Files that only save work: written whole or not at all, at most so many of a kind, and never a
 * reason to fail. A full or read-only disk only means that the work is done again.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";

/** @param most Files with this extension in the directory; the oldest go. */
export async function keepFile(
  directory: string,
  name: string,
  content: Uint8Array,
  most: number,
): Promise<void> {
  const draft = join(directory, `${name}.${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(draft, content, { mode: 0o600 });
    await rename(draft, join(directory, name));
    await forgetOldest(directory, extname(name), most);
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

async function forgetOldest(directory: string, extension: string, most: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(extension));
  if (names.length <= most) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, written: (await stat(join(directory, name))).mtimeMs })),
  );
  aged.sort((a, b) => a.written - b.written);
  for (const { name } of aged.slice(0, names.length - most)) await rm(join(directory, name), { force: true });
}
