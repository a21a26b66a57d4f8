/**
 * The executables that can be sent to hosts: this one, and those of other platforms beside it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";

export interface Executable {
  readonly path: string;
  readonly sha256: string;
}

export class Executables {
  readonly #own: string;
  readonly #folders: readonly string[];
  readonly #found = new Map<string, Promise<Executable>>();

  /** @param own This very executable. @param folder Where else to look first. */
  constructor(own: string, folder?: string) {
    this.#own = own;
    const beside = dirname(own);
    this.#folders = [...(folder === undefined ? [] : [folder]), beside, join(beside, "release")];
  }

  /** @throws {LucioleError} code "no-executable" */
  find(platform: string): Promise<Executable> {
    let found = this.#found.get(platform);
    if (found === undefined) {
      found = this.#search(platform);
      this.#found.set(platform, found);
    }
    return found;
  }

  async #search(platform: string): Promise<Executable> {
    if (platform === `${process.platform}-${process.arch}`) return describe(this.#own);
    for (const folder of this.#folders) {
      const path = join(folder, `luciole-${platform}`);
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (isThere) return describe(path);
    }
    const advice = "scripts/build --all makes it; name its folder with --executables DIR";
    throw new LucioleError("no-executable", `there is no luciole-${platform} here: ${advice}`);
  }
}

async function describe(path: string): Promise<Executable> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return { path, sha256: hash.digest("hex") };
}
