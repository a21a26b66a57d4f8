/** X5: TLS and mutual TLS between a transport and a served app, and each way in which they fail. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { ClientTls, RunningServer, ServerTls } from "../../../net/runtime/runtime.ts";
import { type KeyPair, makeAuthority, makeCertificate } from "../../../net/security/certificates.ts";
import { type TlsFiles, tlsOptions } from "../../../net/security/tls.ts";
import { tcpTransport } from "../../../net/tcp_transport.ts";

const YEAR_MS = 365 * 86_400_000;
const now = Date.now();
const valid = { notBefore: new Date(now - YEAR_MS), notAfter: new Date(now + YEAR_MS) };
const past = { notBefore: new Date(now - 2 * YEAR_MS), notAfter: new Date(now - YEAR_MS) };
const future = { notBefore: new Date(now + YEAR_MS / 2), notAfter: new Date(now + YEAR_MS) };
const LOCAL = ["localhost", "127.0.0.1", "::1"];

const runtime = await currentRuntime();
const ca = await makeAuthority("test", { notBefore: past.notBefore, notAfter: valid.notAfter });
const strangeCa = await makeAuthority("strange", valid);
const server = await makeCertificate(ca, { name: "server", hosts: LOCAL, ...valid });
const client = await makeCertificate(ca, { name: "client", hosts: [], ...valid });
const running: RunningServer[] = [];

afterAll(async () => {
  for (const each of running) await each.stop();
});

async function serve(tls?: ServerTls): Promise<string> {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const one = await runtime.serve({ listen, ...(tls && { tls }), fetch: () => new Response("hello") });
  running.push(one);
  return `127.0.0.1:${"port" in one.address ? one.address.port : 0}`;
}

async function get(address: string, tls?: ClientTls): Promise<string> {
  const transport = tcpTransport(runtime, { address, name: "it", ...(tls && { tls }) });
  return await (await transport.fetch("/")).text();
}

const withCa = ({ cert, key }: KeyPair, authority = ca) => ({ cert, key, ca: authority.cert });

describe("X5: a server with a certificate", () => {
  let address: string;
  beforeAll(async () => {
    address = await serve(server);
  });

  test("is reached by those who trust its authority", async () => {
    expect(await get(address, { ca: ca.cert })).toBe("hello");
  });

  test.each([
    ["another authority", { ca: strangeCa.cert }],
    ["the system's authorities", {}],
  ])("is not reached by those who trust %s", async (_, tls) => {
    await expect(get(address, tls)).rejects.toThrow(
      `Cannot reach it at ${address}: its certificate is of an authority that is not trusted here`,
    );
    expect(await get(address, { ca: ca.cert })).toBe("hello");
  });

  test.each([
    ["has expired", { name: "old", hosts: LOCAL, ...past }, "its certificate has expired"],
    ["is not valid yet", { name: "new", hosts: LOCAL, ...future }, "its certificate is not valid yet"],
    [
      "is of another host",
      { name: "node7", hosts: ["node7", "10.0.0.7"], ...valid },
      "is for another name or address",
    ],
  ])("is not reached when its certificate %s", async (_, request, why) => {
    const other = await serve(await makeCertificate(ca, request));
    await expect(get(other, { ca: ca.cert })).rejects.toThrow(why);
  });

  test("is not reached when its certificate is a client's", async () => {
    const other = await serve(client);
    await expect(get(other, { ca: ca.cert })).rejects.toThrow("not for serving");
  });

  test("and one without: each tells the other", async () => {
    const plain = await serve();
    await expect(get(plain, { ca: ca.cert })).rejects.toThrow("it serves no TLS");
    await expect(get(address)).rejects.toThrow();
  });
});

describe("X5: a server that asks for certificates", () => {
  let address: string;
  beforeAll(async () => {
    address = await serve(withCa(server));
  });

  test("takes those of its authority, and none but them", async () => {
    const strange = await makeCertificate(strangeCa, { name: "x", hosts: [], ...valid });
    const old = await makeCertificate(ca, { name: "x", hosts: [], ...past });
    expect(await get(address, withCa(client))).toBe("hello");
    await expect(get(address, { ca: ca.cert })).rejects.toThrow(/Cannot reach/);
    await expect(get(address, withCa(strange))).rejects.toThrow();
    await expect(get(address, withCa(old))).rejects.toThrow();
    await expect(get(address)).rejects.toThrow();
    expect(await get(address, withCa(client))).toBe("hello");
  });
});

describe("tlsOptions()", () => {
  let directory: string;
  const path = (name: string) => join(directory, name);
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "luciole-test-"));
    const old = await makeCertificate(ca, { name: "x", hosts: [], ...past });
    const files = {
      "ca.crt": ca.cert,
      "a.crt": server.cert,
      "a.key": server.key,
      "old.crt": old.cert,
      "no.crt": "?",
    };
    for (const [name, text] of Object.entries(files)) await writeFile(path(name), text, { mode: 0o600 });
  });
  afterAll(() => rm(directory, { recursive: true }));

  const options = (files: TlsFiles) =>
    tlsOptions(Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path(file)])), now);

  test("gives what serving and dialling need", async () => {
    expect(await options({})).toBeUndefined();
    expect(await options({ ca: "ca.crt" })).toEqual({ server: undefined, client: { ca: ca.cert } });
    const all = withCa(server);
    expect(await options({ ca: "ca.crt", cert: "a.crt", key: "a.key" })).toEqual({
      server: all,
      client: all,
    });
  });

  test.each([
    [{ cert: "a.crt" }, "Cannot use TLS: there is a certificate and no key"],
    [{ key: "a.key" }, "Cannot use TLS: there is a key and no certificate"],
    [{ ca: "none.crt" }, "none.crt for TLS: there is no such file"],
    [{ ca: "no.crt" }, "no.crt for TLS: it holds no certificate in PEM"],
    [{ cert: "a.key", key: "a.crt" }, "a.key for TLS: it holds no certificate in PEM"],
    [{ cert: "old.crt", key: "a.key" }, "old.crt for TLS: its certificate expired on"],
  ])("refuses %p", async (files, message) => {
    await expect(options(files)).rejects.toThrow(message);
  });
});
