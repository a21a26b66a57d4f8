/** The file of the secret: made for its owner alone, and refused when others may read it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { clusterToken } from "../../../net/security/client_auth.ts";
import { ClusterSecret } from "../../../net/security/cluster_secret.ts";
import { readSecret, writeSecret } from "../../../net/security/secret_file.ts";

let directory: string;
const path = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "luciole-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("writeSecret()", () => {
  test("makes 256 bits for the owner alone, whatever the mask, and never twice the same", async () => {
    const mask = process.umask(0);
    try {
      await writeSecret(path("a"));
    } finally {
      process.umask(mask);
    }
    await writeSecret(path("b"));
    expect((await stat(path("a"))).mode & 0o777).toBe(0o600);
    const [a, b] = [await readFile(path("a"), "utf8"), await readFile(path("b"), "utf8")];
    expect(a).toMatch(/^[\w-]{43}\n$/);
    expect(a).not.toBe(b);
    expect(clusterToken(await readSecret(path("a")), 0)).not.toBe(
      clusterToken(await readSecret(path("b")), 0),
    );
  });

  test("keeps a secret that is there", async () => {
    await writeSecret(path("kept"));
    const before = await readFile(path("kept"), "utf8");
    await expect(writeSecret(path("kept"))).rejects.toThrow("there is a file already");
    expect(await readFile(path("kept"), "utf8")).toBe(before);
    await expect(writeSecret(path("none/x"))).rejects.toThrow("there is no such file or directory");
  });
});

describe("readSecret()", () => {
  test.each([0o640, 0o604, 0o660, 0o620, 0o601])("refuses a file of mode %o", async (mode) => {
    const name = path(`mode${mode}`);
    await writeSecret(name);
    await chmod(name, mode);
    await expect(readSecret(name)).rejects.toThrow("others may use it (mode 0");
    await chmod(name, 0o400);
    expect(await readSecret(name)).toBeInstanceOf(ClusterSecret);
  });

  test.each(["", "short", "A".repeat(42), "A".repeat(44), "*".repeat(43), "A".repeat(100_000)])(
    "refuses a file that holds something else, and does not show it",
    async (text) => {
      await writeFile(path("odd"), text, { mode: 0o600 });
      const error = await readSecret(path("odd")).catch((caught: unknown) => caught);
      expect(String(error)).toContain("it holds no secret; luciole token makes one");
      expect(text.length > 3 && String(error).includes(text.slice(0, 40))).toBe(false);
    },
  );

  test("tells of a file that is not there, or is a directory", async () => {
    await expect(readSecret(path("missing"))).rejects.toThrow("there is no such file");
    await expect(readSecret(directory)).rejects.toThrow(/Cannot read the secret file/);
  });
});

describe("ClusterSecret", () => {
  test("X6: does not show itself", async () => {
    await writeSecret(path("shy"));
    const text = (await readFile(path("shy"), "utf8")).trim();
    const hex = Buffer.from(text, "base64url").toString("hex");
    const secret = await readSecret(path("shy"));
    const carrier = Object.assign(new Error("x"), { secret });
    for (const shown of [
      String(secret),
      JSON.stringify({ secret }),
      Bun.inspect(carrier),
      inspect(secret, { depth: 9, showHidden: true }),
    ]) {
      expect(shown).not.toContain(text);
      expect(shown.replace(/\W/g, "")).not.toContain(hex);
    }
  });
});
