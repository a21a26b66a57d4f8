/** A real sshd on loopback for the tests of `luciole deploy`, with keys of its own; undefined where there is none. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** For --ssh-option. */
  readonly options: readonly string[];
}

/** @param folder Where its keys and its configuration go. */
export async function startSshd(folder: string): Promise<Sshd | undefined> {
  const path = Bun.which("sshd", { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` });
  if (path === null || Bun.which("ssh") === null || Bun.which("scp") === null) return undefined;
  const file = (name: string) => join(folder, name);
  for (const name of ["host", "user"]) {
    const made = Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
    if (made.exitCode !== 0) throw new Error(`Cannot make a key: ${made.stderr.toString()}`);
  }
  // Where sshd runs as root it wants this directory, which only a service of the system makes.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${file("host")}`,
    `AuthorizedKeysFile ${file("user.pub")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin yes",
    "Subsystem sftp internal-sftp",
  ];
  writeFileSync(file("sshd_config"), `${settings.join("\n")}\n`);
  const child = Bun.spawn([path, "-D", "-e", "-f", file("sshd_config")], {
    stdout: "ignore",
    stderr: "pipe",
  });
  const reader = child.stderr.getReader();
  let said = "";
  while (!said.includes("Server listening")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot start sshd: ${said}`);
    said += new TextDecoder().decode(value);
  }
  const draining = drain(reader);
  return {
    port,
    options: [
      `Port=${port}`,
      `IdentityFile=${file("user")}`,
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=accept-new",
      `UserKnownHostsFile=${file("known_hosts")}`,
    ],
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
      await draining;
    },
  };
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}
