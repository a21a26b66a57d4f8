/**
 * Hosts on one machine: network namespaces joined by a bridge, each with its own address and host name.
 *
 * Processes of two hosts meet over the network only, as far as sockets go; they share the disk.
 * Wants Linux, root and iproute2: `whyNoHosts` says what is missing.
 */
import { tmpdir } from "node:os";

const LIMIT_MS = 20_000;

/** Why hosts cannot be made on this machine, or undefined when they can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are of Linux only";
  if (process.getuid?.() !== 0) return "network namespaces want root";
  if (["ip", "bridge", "tc", "unshare"].some((command) => Bun.which(command) === null)) {
    return "there is no ip, bridge, tc or unshare (Debian: apt install iproute2 util-linux)";
  }
  const name = unique();
  const { exitCode, stderr } = Bun.spawnSync(["ip", "netns", "add", name], { timeout: LIMIT_MS });
  if (exitCode !== 0) return `ip netns add: ${stderr.toString().trim()}`;
  Bun.spawnSync(["ip", "netns", "delete", name], { timeout: LIMIT_MS });
  return undefined;
}

let made = 0;

/** A run that was killed may have left some that are named by the same process id. */
const unique = (): string => `lt${process.pid}-${Date.now().toString(36)}`;

export class Hosts {
  /** Namespaces are of the whole machine: another run of the tests may have some too. */
  readonly #prefix = `${unique()}-${made++}`;
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
    try {
      this.#join();
    } catch (error) {
      this.delete();
      throw error;
    }
  }

  addressOf(name: string): string {
    return `10.77.0.${this.names.indexOf(name) + 2}`;
  }

  /** The command line that runs a command on a host. */
  on(name: string, command: readonly string[]): string[] {
    const named = ["unshare", "--uts", "sh", "-c", `hostname ${name}; exec "$@"`, "sh", ...command];
    return ["ip", "netns", "exec", this.#namespace(name), ...named];
  }

  /** Takes the cable of a host out, or puts it in again. */
  setLink(name: string, state: "up" | "down"): void {
    ip("-netns", this.#bridge, "link", "set", `to-${name}`, state);
  }

  /** Cuts these hosts off from each other, silently, and from nobody else; or joins them again. */
  setIsolated(names: readonly string[], isIsolated: boolean): void {
    for (const name of names) {
      const state = isIsolated ? "on" : "off";
      spawn(["bridge", "-netns", this.#bridge, "link", "set", "dev", `to-${name}`, "isolated", state]);
    }
  }

  /** Lets no more than so many bits through in a second, in either direction; undefined: all that come. */
  setRate(name: string, bitsPerSecond: number | undefined): void {
    const ends = [
      ["-netns", this.#bridge, "dev", `to-${name}`],
      ["-netns", this.#namespace(name), "dev", "eth0"],
    ];
    for (const [flag, namespace, ...device] of ends) {
      const qdisc = ["tc", flag, namespace, "qdisc"];
      // What is sent at once, and what waits.
      const shape = ["root", "tbf", "rate", `${bitsPerSecond}bit`, "burst", "16kb", "latency", "400ms"];
      if (bitsPerSecond === undefined) spawn([...qdisc, "delete", ...device, "root"]);
      else spawn([...qdisc, "replace", ...device, ...shape]);
    }
  }

  /** What listens or is connected on a host, a line for each socket of TCP. */
  sockets(name: string): string[] {
    const { stdout } = spawn(["ip", "netns", "exec", this.#namespace(name), "cat", "/proc/net/tcp"]);
    return stdout.toString().trim().split("\n").slice(1);
  }

  delete(): void {
    for (const namespace of [this.#bridge, ...this.names.map((name) => this.#namespace(name))]) {
      Bun.spawnSync(["ip", "netns", "delete", namespace], { timeout: LIMIT_MS });
    }
  }

  get #bridge(): string {
    return `${this.#prefix}-bridge`;
  }

  #namespace(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  #join(): void {
    ip("netns", "add", this.#bridge);
    ip("-netns", this.#bridge, "link", "add", "bridge", "type", "bridge");
    ip("-netns", this.#bridge, "link", "set", "bridge", "up");
    for (const name of this.names) {
      const namespace = this.#namespace(name);
      ip("netns", "add", namespace);
      const peer = ["peer", "name", `to-${name}`, "netns", this.#bridge];
      ip("-netns", namespace, "link", "add", "eth0", "type", "veth", ...peer);
      ip("-netns", this.#bridge, "link", "set", `to-${name}`, "master", "bridge", "up");
      ip("-netns", namespace, "address", "add", `${this.addressOf(name)}/24`, "dev", "eth0");
      ip("-netns", namespace, "link", "set", "eth0", "up");
      ip("-netns", namespace, "link", "set", "lo", "up");
    }
  }
}

function ip(...args: readonly string[]): void {
  spawn(["ip", ...args]);
}

function spawn(command: readonly string[]) {
  const done = Bun.spawnSync([...command], { cwd: tmpdir(), timeout: LIMIT_MS });
  if (done.exitCode !== 0) throw new Error(`${command.join(" ")}: ${done.stderr.toString().trim()}`);
  return done;
}
