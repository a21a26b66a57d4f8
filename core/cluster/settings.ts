/**
 * Everything that can be set of a master, an agent or a driver's way to them: names, meanings, checks.
 *
 * `--data-dir` and LUCIOLE_DATA_DIR are the same setting. Which of them a role takes, and what
 * follows from them, is config.ts's business.
 */
import { parseDuration } from "../program/duration.ts";
import { anyText, type FlagSpec, oneOf, TRUTH, wholeNumber } from "../program/flag_reader.ts";
import { LOG_LEVELS, MAX_WORKERS } from "../program/limits.ts";
import { parseSize } from "../program/size.ts";
import { type HostPort, isHost, MASTER_PORT, parseAddress, parseAddresses } from "./address.ts";

export interface Setting<T> extends FlagSpec<T> {
  /** Stands for the value in help; missing for what is on or off. */
  readonly value?: string;
  readonly text: string;
}

/** Text of each setting by its name, as it came. */
export type SettingTexts = Readonly<Record<string, string | undefined>>;
export type Labels = Readonly<Record<string, string>>;

const MAX_LABELS = 64;

const duration = (least: string, most: string): Pick<Setting<number>, "expected" | "parse" | "value"> => ({
  value: "time",
  expected: `a time from ${least} to ${most} such as "2s"`,
  parse: (text) => {
    const ms = parseDuration(text);
    const [from = 0, to = 0] = [parseDuration(least), parseDuration(most)];
    return ms !== undefined && ms >= from && ms <= to ? ms : undefined;
  },
});

const size = (least: string): Pick<Setting<number>, "expected" | "parse" | "value"> => ({
  value: "size",
  expected: `a size of at least ${least} such as "2GiB"`,
  parse: (text) => {
    const bytes = parseSize(text);
    return bytes === undefined || bytes < (parseSize(least) ?? 0) ? undefined : bytes;
  },
});

const name: Pick<Setting<string>, "expected" | "parse" | "value"> = {
  value: "name",
  expected: "a name of letters, digits, - and _",
  parse: (text) => (/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(text) ? text : undefined),
};

const place: Pick<Setting<string>, "expected" | "parse" | "value"> = {
  value: "name",
  expected: "a name of letters, digits, dots, - and _",
  parse: (text) => (/^[\w.-]{1,100}$/.test(text) ? text : undefined),
};

const file = { value: "file", ...anyText("the name of a file") };

export const SETTINGS = {
  master: {
    name: "master",
    value: "addresses",
    text: `addresses of the cluster's masters, such as m1:${MASTER_PORT},m2`,
    expected: `addresses such as "host:${MASTER_PORT}" or "m1,m2"`,
    parse: (text) => parseAddresses(text, MASTER_PORT),
  } satisfies Setting<readonly string[]>,
  host: {
    name: "host",
    value: "address",
    text: "address to listen on; others than 127.0.0.1 need a secret",
    expected: 'an address of this machine such as "127.0.0.1", or "0.0.0.0" for all of them',
    parse: parseHost,
  } satisfies Setting<string>,
  port: {
    name: "port",
    value: "n",
    text: "port to listen on; 0 for any that is free",
    ...wholeNumber(0, 65535),
  } satisfies Setting<number>,
  advertise: {
    name: "advertise",
    value: "address",
    text: "address where drivers and other agents reach this one",
    expected: 'an address such as "host" or "host:7401"',
    parse: parseAdvertised,
  } satisfies Setting<Partial<HostPort> & { readonly host: string }>,
  name: {
    name: "name",
    text: "name in the cluster; no two may have the same",
    ...name,
  } satisfies Setting<string>,
  dataDir: {
    name: "data-dir",
    value: "dir",
    text: "directory for shards, spill files and programs",
    ...anyText("the name of a directory"),
  } satisfies Setting<string>,
  dataCenter: { name: "data-center", text: "data centre", ...place } satisfies Setting<string>,
  rack: { name: "rack", text: "rack within the data centre", ...place } satisfies Setting<string>,
  labels: {
    name: "labels",
    value: "list",
    text: "labels, such as gpu=yes,disk=ssd",
    expected: 'labels such as "gpu=yes,disk=ssd"',
    parse: parseLabels,
  } satisfies Setting<Labels>,
  slots: {
    name: "slots",
    value: "n",
    text: "workers that run at a time",
    ...wholeNumber(1, MAX_WORKERS),
  } satisfies Setting<number>,
  drivers: {
    name: "drivers",
    value: "n",
    text: "detached drivers that run at a time, beside the workers; 0 for none",
    ...wholeNumber(0, 1000),
  } satisfies Setting<number>,
  memory: {
    name: "memory",
    text: "memory of all workers together",
    ...size("4MiB"),
  } satisfies Setting<number>,
  disk: {
    name: "disk",
    text: "disk space for shards and spill files",
    ...size("64MiB"),
  } satisfies Setting<number>,
  heartbeat: {
    name: "heartbeat",
    text: "time between two heartbeats of an agent",
    ...duration("100ms", "1h"),
  } satisfies Setting<number>,
  lostAfter: {
    name: "lost-after",
    text: "silence after which an agent counts as lost",
    ...duration("200ms", "24h"),
  } satisfies Setting<number>,
  lease: {
    name: "lease",
    text: "silence of the driver after which agents end its job",
    ...duration("1s", "24h"),
  } satisfies Setting<number>,
  tokenFile: {
    name: "token-file",
    text: "file of the cluster's secret; luciole token makes one",
    ...file,
  } satisfies Setting<string>,
  insecure: {
    name: "insecure",
    text: "listen without a secret where others reach it",
    ...TRUTH,
  } satisfies Setting<boolean>,
  tlsCert: { name: "tls-cert", text: "certificate, in PEM", ...file } satisfies Setting<string>,
  tlsKey: { name: "tls-key", text: "key of the certificate", ...file } satisfies Setting<string>,
  tlsCa: {
    name: "tls-ca",
    text: "authority to trust, and to ask others' certificates of",
    ...file,
  } satisfies Setting<string>,
  logLevel: {
    name: "log-level",
    value: "level",
    text: `least level of log lines: ${LOG_LEVELS.join(", ")}`,
    ...oneOf(LOG_LEVELS),
  } satisfies Setting<(typeof LOG_LEVELS)[number]>,
  json: { name: "json", text: "log lines and errors as JSON", ...TRUTH } satisfies Setting<boolean>,
};

/** IPv6 addresses with or without brackets. */
function parseHost(text: string): string | undefined {
  const host = text.trim().replace(/^\[(.*)\]$/, "$1");
  return isHost(host) || /^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/i.test(host) ? host : undefined;
}

/** Without a port it is the one that the agent listens on. */
function parseAdvertised(text: string): { readonly host: string; readonly port?: number } | undefined {
  const host = parseHost(text);
  return host === undefined ? parseAddress(text, 0) : { host };
}

function parseLabels(text: string): Labels | undefined {
  const labels: Record<string, string> = {};
  const parts = text.split(",").filter((part) => part.trim() !== "");
  for (const part of parts) {
    const match = /^\s*([A-Za-z0-9][\w.-]{0,62})=([^,=]{0,100}?)\s*$/.exec(part);
    if (match?.[1] === undefined || match[2] === undefined || Object.hasOwn(labels, match[1]))
      return undefined;
    labels[match[1]] = match[2];
  }
  return parts.length === 0 || parts.length > MAX_LABELS ? undefined : labels;
}
