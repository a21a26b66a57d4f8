/**
 * What every runtime must do, as a program that is run by each of them; prints `ok`.
 */
import { getEventListeners } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import type { ClientTls, RunningServer, ServerTls } from "../../../net/runtime/runtime.ts";
import { describeExit, type ProcessExit } from "../../../net/runtime/spawn.ts";
import { makeAuthority, makeCertificate } from "../../../net/security/certificates.ts";

function same(actual: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(actual) === JSON.stringify(expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

const runtime = await currentRuntime();
const directory = await mkdtemp(join(tmpdir(), "luciole-test-"));

async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/stream") {
    return new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode("a")),
      }),
    );
  }
  if (pathname === "/broken") {
    let pieces = 0;
    return new Response(
      new ReadableStream(
        {
          pull(controller) {
            if (pieces++ < 3) controller.enqueue(new Uint8Array(10_000));
            else controller.error(undefined);
          },
        },
        { highWaterMark: 0 },
      ),
    );
  }
  if (pathname === "/empty") return new Response(null, { status: 204 });
  const headers = { "content-type": request.headers.get("content-type") ?? "" };
  return new Response(await request.arrayBuffer(), { status: 201, headers });
}

async function checkUnix(): Promise<void> {
  const unixPath = join(directory, "s");
  const server = await runtime.serve({ listen: { unixPath }, fetch: handle });
  for (let i = 0; i < 3; i++) {
    const body = new Uint8Array([1, 2, i]);
    const headers = { "content-type": "application/cbor" };
    const response = await runtime.fetchUnix(unixPath, "/echo?x=1", { method: "POST", body, headers });
    same(response.status, 201, "status");
    same(response.headers.get("content-type"), "application/cbor", "content type");
    same([...new Uint8Array(await response.arrayBuffer())], [1, 2, i], "echo");
  }
  const empty = await runtime.fetchUnix(unixPath, "/empty", { method: "POST", body: new Uint8Array(0) });
  same(empty.status, 204, "empty answer");
  const stream = await runtime.fetchUnix(unixPath, "/stream");
  const reader = stream.body?.getReader();
  same((await reader?.read())?.done, false, "stream");
  await reader?.cancel();
  const end = await runtime
    .fetchUnix(unixPath, "/broken")
    .then(drain)
    .then(
      () => "complete",
      () => "failed",
    );
  same(end, "failed", "a body whose stream fails");
  const held = await runtime.fetchUnix(unixPath, "/stream");
  await server.stop();
  const cut = await drain(held).then(
    () => "ended",
    () => "ended",
  );
  same(cut, "ended", "a held stream when the server stops");
  same(await readdir(directory), [], "files that are left");
}

async function drain(response: Response): Promise<void> {
  const reader = response.body?.getReader();
  while ((await reader?.read())?.done === false);
}

async function serveTcp(tls?: ServerTls): Promise<[RunningServer, string]> {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = await runtime.serve({ listen, fetch: handle, ...(tls && { tls }) });
  if (!("port" in server.address) || server.address.port === 0) throw new Error("no port");
  return [server, `127.0.0.1:${server.address.port}`];
}

async function codeOf(request: Promise<Response>): Promise<string> {
  const error: unknown = await request.then(
    () => undefined,
    (caught) => caught,
  );
  const code = error instanceof Error && "code" in error ? String(error.code) : `none: ${error}`;
  return code === "ConnectionRefused" ? "ECONNREFUSED" : code;
}

async function checkTcp(): Promise<void> {
  const [server, address] = await serveTcp();
  same((await runtime.fetchTcp(address, "/empty")).status, 204, "tcp");
  const body = new Uint8Array(3);
  const headers = new Headers({ "content-type": "application/cbor" });
  const response = await runtime.fetchTcp(address, "/echo", { method: "POST", body, headers });
  same([...new Uint8Array(await response.arrayBuffer())], [0, 0, 0], "echo by tcp");
  same(await codeOf(runtime.fetchTcp(address, "/", {}, {})), "EPROTO", "TLS to a server without");
  await server.stop();
  same(await codeOf(runtime.fetchTcp(address, "/empty")), "ECONNREFUSED", "nothing there");
  same(await codeOf(runtime.fetchTcp("nothing.invalid:7400", "/")), "ENOTFOUND", "no such host");
  await checkPosts(address);
}

/** A request with a body fails as one without. */
async function checkPosts(nobody: string): Promise<void> {
  const { signal } = new AbortController();
  const post = { method: "POST", body: new Uint8Array(1), signal };
  // No connection goes to all hosts at once: that is no refusal, after which nobody would try again.
  for (const address of [nobody, "nothing.invalid:7400", "255.255.255.255:7400"]) {
    const expected = await codeOf(runtime.fetchTcp(address, "/"));
    same(await codeOf(runtime.fetchTcp(address, "/", post)), expected, `a request to ${address}`);
  }
  for (let i = 0; i < 20; i++) await codeOf(runtime.fetchTcp(nobody, "/", post));
  const left = getEventListeners(signal, "abort").length;
  same(left < 5, true, `${left} listeners that failed requests left`);
}

async function checkTls(): Promise<void> {
  const [from, to] = [new Date(Date.now() - 1e9), new Date(Date.now() + 1e9)];
  const request = { name: "x", hosts: ["127.0.0.1"], notBefore: from, notAfter: to };
  const authority = await makeAuthority("test", request);
  const client = { ca: authority.cert };
  const get = (address: string, tls: ClientTls | undefined) =>
    codeOf(runtime.fetchTcp(address, "/empty", {}, tls));
  const [server, address] = await serveTcp(await makeCertificate(authority, request));
  same((await runtime.fetchTcp(address, "/empty", {}, client)).status, 204, "TLS");
  same(await get(address, {}), "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "an unknown authority");
  // Some servers answer in the clear that they will not.
  const plain = await get(address, undefined);
  same(
    ["ECONNRESET", "Malformed_HTTP_Response"].includes(plain),
    true,
    `no TLS to a server with it: ${plain}`,
  );
  const old = await makeCertificate(authority, { ...request, notAfter: new Date(Date.now() - 1e6) });
  const [oldServer, oldAddress] = await serveTcp(old);
  same(await get(oldAddress, client), "CERT_HAS_EXPIRED", "an expired certificate");
  const strange = await makeCertificate(authority, { ...request, hosts: ["node7"] });
  const [strangeServer, strangeAddress] = await serveTcp(strange);
  same(await get(strangeAddress, client), "ERR_TLS_CERT_ALTNAME_INVALID", "a certificate of another host");
  for (const one of [server, oldServer, strangeServer]) await one.stop();
}

function start(command: readonly string[], cwd = directory): Promise<{ exit: ProcessExit; out: string[] }> {
  return new Promise((resolve) => {
    const out: string[] = [];
    const child = runtime.spawn({
      command,
      environment: { PATH: process.env.PATH ?? "", A: "1" },
      workingDirectory: cwd,
      onStdout: (line) => {
        out.push(`out ${line}`);
        if (line === "kill me") child.kill("SIGKILL");
      },
      onStderr: (line) => out.push(`err ${line}`),
      onExit: (exit) => resolve({ exit, out }),
    });
  });
}

async function checkSpawn(): Promise<void> {
  const script = "echo $A $HOME; echo b >&2; printf c; exit 3";
  const done = await start(["/bin/sh", "-c", script]);
  same(done.exit, { code: 3 }, "exit code");
  same(done.out.toSorted(), ["err b", "out 1", "out c"], "output");
  const killed = await start(["/bin/sh", "-c", "echo 'kill me'; exec sleep 60"]);
  same(describeExit(killed.exit), "was ended by signal SIGKILL", "signal");
  const left = await start(["/bin/sh", "-c", "sleep 5 & exit 0"]);
  same(left.exit, { code: 0 }, "exit with a grandchild that holds the pipes");
  const impossible = [["/no/such/file"], [""], ["/bin/sh", "a\0b"], ["/bin/sh", "x".repeat(10_000_000)]];
  const started = await Promise.all(impossible.map((command) => start(command)));
  for (const missing of [...started, await start(["/bin/sh"], "/no/such/directory")]) {
    if (missing.exit.error === undefined) throw new Error(`missing: ${JSON.stringify(missing.exit)}`);
  }
}

await checkUnix();
await checkTcp();
await checkTls();
await checkSpawn();
same(runtime.scriptCommand()[0], process.execPath, "script command");
same(runtime.scriptCommand().at(-1)?.endsWith("runtime_contract.ts"), true, "script");
await rm(directory, { recursive: true });
console.log(`ok ${runtime.name}`);
process.exit(0);
