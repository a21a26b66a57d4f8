/** The master as it is served: behind its guard, and as a process. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MasterClient } from "../../../net/driver/cluster/master_client.ts";
import { type RunningMaster, startMaster } from "../../../net/master/main.ts";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { ClientTls } from "../../../net/runtime/runtime.ts";
import { initCertificates } from "../../../net/security/certificate_files.ts";
import { type Credentials, secretCredentials, tokenCredentials } from "../../../net/security/client_auth.ts";
import { ClusterSecret } from "../../../net/security/cluster_secret.ts";
import { readSecret, writeSecret } from "../../../net/security/secret_file.ts";
import { readSecurity } from "../../../net/security/security.ts";
import { tcpTransport } from "../../../net/tcp_transport.ts";
import { request } from "../../core/cluster/agents.ts";
import { masterConfig } from "./master_config.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(changes: Parameters<typeof masterConfig>[0], notices: string[]): Promise<RunningMaster> {
  const master = await startMaster(masterConfig(changes), (text) => notices.push(text));
  closing.push(() => master.close());
  return master;
}

async function clientOf(address: string, credentials?: Credentials, tls?: ClientTls): Promise<MasterClient> {
  const target = { address, name: "the master", ...(credentials && { credentials }), ...(tls && { tls }) };
  return new MasterClient({
    masters: [{ address, transport: tcpTransport(await currentRuntime(), target) }],
  });
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "luciole-test-"));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function certificates() {
  const directory = newDirectory();
  await initCertificates({ directory, hosts: ["127.0.0.1"], days: 1, now: Date.now() });
  const files = { ca: "ca.crt", cert: "server.crt", key: "server.key" };
  const tls = Object.fromEntries(Object.entries(files).map(([part, name]) => [part, join(directory, name)]));
  const client = (await readSecurity({ tls })).tls?.client ?? {};
  return { tls, client };
}

async function secretFile(): Promise<string> {
  const path = join(newDirectory(), "token");
  await writeSecret(path);
  return path;
}

describe("startMaster()", () => {
  test("serves those who know the secret, and tells the others why not", async () => {
    const tokenFile = await secretFile();
    const { address } = await start({ security: { tokenFile, tls: {}, isInsecure: false } }, []);
    const secret = await readSecret(tokenFile);
    const client = await clientOf(address, secretCredentials(secret));
    expect(await client.health()).toMatchObject({ id: "m1" });
    const told = async (credentials?: Credentials) => {
      const error = await (await clientOf(address, credentials)).health().catch((caught) => caught);
      return [error.code, error.fields.reason, error.message.replace(address, "HERE")];
    };
    expect(await told()).toEqual([
      "auth",
      "missing",
      "Cannot use the master at HERE: the cluster has a secret, and this program none: name its file with --token-file",
    ]);
    expect((await told(secretCredentials(new ClusterSecret(new Uint8Array(32)))))[1]).toBe("signature");
    expect((await told(tokenCredentials("x")))[1]).toBe("malformed");
    const slow = await told(secretCredentials(secret, () => Date.now() - 3_600_000));
    expect(slow[1]).toBe("expired");
    expect(slow[2]).toMatch(/: its clock is \d+ s (before|behind) the one of this machine|clock/);
    expect((await told(secretCredentials(secret, () => Date.now() + 3_600_000)))[1]).toBe("notYetValid");
  });

  test("serves those who have a certificate, and tells the others why not", async () => {
    const [own, other] = [await certificates(), await certificates()];
    const { address } = await start({ security: { tls: own.tls, isInsecure: false } }, []);
    const told = async (tls?: ClientTls) => {
      const error = await (await clientOf(address, undefined, tls)).health().catch((caught) => caught);
      return error instanceof Error ? error.message.replace(address, "HERE") : error.id;
    };
    expect(await told(own.client)).toBe("m1");
    expect(await told()).toBe(
      "Cannot use the master at HERE: the connection breaks: something else than luciole listens there, or it speaks TLS",
    );
    expect(await told(other.client)).toBe(
      "Cannot use the master at HERE: its certificate is of an authority that is not trusted here",
    );
    const { ca = "" } = own.client;
    expect(await told({ ca })).toStartWith("Cannot use the master at HERE: no TLS connection comes about: ");
    const plain = await start({}, []);
    const wrong = await (await clientOf(plain.address, undefined, own.client))
      .health()
      .catch((caught) => caught);
    expect(wrong.message).toStartWith(
      `Cannot use the master at ${plain.address}: no TLS connection comes about: it serves no TLS`,
    );
  });

  test("refuses an address that is taken, and one that others reach", async () => {
    const { address } = await start({}, []);
    const port = Number(address.split(":")[1]);
    await expect(start({ port }, [])).rejects.toMatchObject({ code: "address" });
    await expect(start({ host: "0.0.0.0" }, [])).rejects.toMatchObject({ code: "usage" });
  });

  test("tells of requests that fail, and of no more than a few a second", async () => {
    const notices: string[] = [];
    const { address, close } = await start({}, notices);
    const client = await clientOf(address);
    for (let i = 0; i < 15; i++) await client.place(request("no id", 1)).catch(() => undefined);
    await close();
    expect(notices[0]).toMatch(
      /^request [0-9a-f]{8}-0 \(POST \/v1\/placements\) failed: Cannot take the request: job must be an id/,
    );
    expect(notices.some((text) => / more requests failed$/.test(text)) || notices.length === 15).toBe(true);
  });
});

test("runMaster() serves until a signal ends it, and goes at once though a driver waits", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "run_master.ts")], {
    stderr: "pipe",
    timeout: 50_000,
  });
  let told = "";
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const piece of child.stderr) {
      told += new TextDecoder().decode(piece);
      const address = /listens on (\S+)/.exec(told)?.[1];
      if (address !== undefined) listening.resolve(address);
    }
  })();
  const client = await clientOf(await listening.promise);
  const leaving = new AbortController();
  const held = client
    .place(request("j", 1), { waitMs: 60_000, signal: leaving.signal })
    .catch((error) => error);
  await client.health();
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await reading;
  expect(told).toMatch(/^master m1 listens on 127\.0\.0\.1:\d+\nmaster m1 ends: SIGTERM\n$/);
  leaving.abort();
  await held;
});
