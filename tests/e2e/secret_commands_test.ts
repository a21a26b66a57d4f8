/** `luciole token` and `luciole cert`: files for their owner alone, and mistakes in one line. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Folder, LUCIOLE } from "./executable.ts";

const folder = new Folder({ "notes.txt": "" });
afterAll(() => folder[Symbol.dispose]());
const luciole = (...args: string[]) => folder.run([LUCIOLE, ...args]);
const path = (name: string) => join(folder.path, name);
const modeOf = (name: string) => statSync(path(name)).mode & 0o777;
const certificate = (name: string) => new X509Certificate(readFileSync(path(name)));

describe("luciole token", () => {
  test("makes a secret that it does not show", async () => {
    const made = await luciole("token");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toContain(path("luciole.token"));
    const secret = readFileSync(path("luciole.token"), "utf8");
    expect(secret).toMatch(/^[\w-]{43}\n$/);
    expect(made.stdout).not.toContain(secret.trim());
    expect(modeOf("luciole.token")).toBe(0o600);
  });

  test("tells where in JSON, and keeps what is there", async () => {
    const made = await luciole("token", "other.token", "--json");
    expect(JSON.parse(made.stdout)).toEqual({ path: path("other.token") });
    const before = readFileSync(path("other.token"), "utf8");
    const again = await luciole("token", "other.token");
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toBe(
      "error: Cannot make the secret file other.token: there is a file already, and other machines may use its secret\n",
    );
    expect(readFileSync(path("other.token"), "utf8")).toBe(before);
    expect((await luciole("token", "none/x")).stderr).toContain("there is no such file or directory");
  });
});

describe("luciole cert", () => {
  beforeAll(async () => {
    const made = await luciole("cert", "init", "certs", "--host", "node7", "10.0.0.7", "--days", "30");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout.trim().split("\n").sort()).toEqual(
      ["ca", "client", "server"].flatMap((name) => [`certs/${name}.crt`, `certs/${name}.key`]),
    );
  });

  test("init makes an authority, and what it signed for servers and clients", () => {
    const [ca, server, client] = ["ca", "server", "client"].map((name) => certificate(`certs/${name}.crt`));
    for (const one of [server, client]) expect(one.verify(ca.publicKey)).toBe(true);
    for (const host of ["node7", "localhost", hostname()]) expect(server.checkHost(host)).toBeDefined();
    for (const address of ["10.0.0.7", "127.0.0.1", "::1"]) expect(server.checkIP(address)).toBeDefined();
    expect(server.checkHost("node8")).toBeUndefined();
    expect(client.subjectAltName).toBeUndefined();
    const days = (Date.parse(server.validTo) - Date.now()) / 86_400_000;
    expect(days > 29 && days <= 30).toBe(true);
    expect(["ca", "client", "server"].map((name) => modeOf(`certs/${name}.key`))).toEqual([
      0o600, 0o600, 0o600,
    ]);
  });

  test("add signs one more", async () => {
    const made = await luciole("cert", "add", "certs", "node9", "--host", "node9", "--json");
    expect(JSON.parse(made.stdout)).toEqual({ files: ["certs/node9.crt", "certs/node9.key"] });
    expect(certificate("certs/node9.crt").verify(certificate("certs/ca.crt").publicKey)).toBe(true);
  });

  test.each([
    [["cert", "init", "certs"], "certs/ca.key: there is a file already"],
    [["cert", "init", "notes.txt"], "notes.txt"],
    [["cert", "add", "certs", "ca"], "certs/ca.key: there is a file already"],
    [["cert", "add", "certs", "../x"], 'Cannot name a certificate "../x"'],
    [["cert", "add", "none", "x"], "none/ca.crt: there is no such file; luciole cert init makes it"],
    [["cert", "add", "certs", "x", "--host", "a b"], 'Cannot make a certificate for "a b"'],
    [["cert", "init", "more", "--days", "0"], "--days"],
    [["cert", "init"], "missing required argument 'DIR'"],
    [["cert", "make"], "unknown command 'make'"],
    [["cert"], "Usage: luciole cert"],
  ])("%j is a usage error that says what is wrong", async (args, what) => {
    const { code, stdout, stderr } = await luciole(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(what);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
