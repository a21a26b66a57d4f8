/** The files of a role, and the ports that it may open with them (X2). */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { initCertificates } from "../../../net/security/certificate_files.ts";
import { writeSecret } from "../../../net/security/secret_file.ts";
import { readSecurity, type Security, serveGuarded } from "../../../net/security/security.ts";
import { tcpTransport } from "../../../net/tcp_transport.ts";

const runtime = await currentRuntime();
const app = { fetch: () => new Response("hello") };
let directory: string;
let files: { tokenFile: string; tls: { ca: string; cert: string; key: string } };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "luciole-test-"));
  const path = (name: string) => join(directory, name);
  await writeSecret(path("secret"));
  await initCertificates({ directory, hosts: ["127.0.0.1"], days: 1, now: Date.now() });
  const tls = { ca: path("ca.crt"), cert: path("server.crt"), key: path("server.key") };
  files = { tokenFile: path("secret"), tls };
});
afterAll(() => rm(directory, { recursive: true }));

async function open(hostname: string, security: Security) {
  const warnings: string[] = [];
  const onWarning = (text: string) => warnings.push(text);
  const server = await serveGuarded({ runtime, listen: { hostname, port: 0 }, app, security, onWarning });
  const address = `127.0.0.1:${"port" in server.address ? server.address.port : 0}`;
  return { server, address, warnings };
}

describe("serveGuarded()", () => {
  test("answers those who have the secret and a certificate, and nobody else", async () => {
    const security = await readSecurity(files);
    const { server, address, warnings } = await open("127.0.0.1", security);
    const { credentials, tls } = security;
    const get = async (target: object) => {
      const transport = tcpTransport(runtime, { address, name: "it", ...target });
      const response = await transport.fetch("/");
      return response.ok ? await response.text() : response.status;
    };
    expect(warnings).toEqual([]);
    expect(await get({ credentials, tls: tls?.client })).toBe("hello");
    expect(await get({ tls: tls?.client })).toBe(401);
    await expect(get({ credentials, tls: { ca: tls?.client.ca } })).rejects.toThrow();
    await expect(get({ credentials })).rejects.toThrow();
    await server.stop();
  });

  test("X2: listens for others with a secret only, or aloud", async () => {
    const { tokenFile } = files;
    const plain = await readSecurity({});
    await expect(open("0.0.0.0", plain)).rejects.toThrow("it is no loopback address");
    for (const [given, warning] of [
      [files, undefined],
      [{ tokenFile }, "without TLS"],
      [{ isInsecure: true }, "without a secret"],
    ] as const) {
      const { server, warnings } = await open("0.0.0.0", await readSecurity(given));
      await server.stop();
      expect(warnings.join()).toMatch(warning ?? /^$/);
      expect(warnings.length).toBe(warning === undefined ? 0 : 1);
    }
  });

  test("tells of an authority without a certificate, and of a port that is taken", async () => {
    const { ca } = files.tls;
    await expect(open("127.0.0.1", await readSecurity({ tls: { ca } }))).rejects.toThrow("Cannot serve TLS");
    const security = await readSecurity({});
    const { server, address } = await open("127.0.0.1", security);
    const listen = { hostname: "127.0.0.1", port: Number(address.split(":")[1]) };
    const again = serveGuarded({ runtime, listen, app, security, onWarning: () => {} });
    await expect(again).rejects.toThrow(`Cannot listen on ${address}`);
    await server.stop();
  });
});
