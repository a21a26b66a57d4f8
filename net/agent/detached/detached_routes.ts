/**
 * The routes of an agent that are about detached drivers: for clients, and for the drivers themselves.
 */
import type { Hono } from "hono";
import { encode } from "../../cbor.ts";
import type { DriverHome, DriverOrder, OutputItem } from "../../driver_protocol.ts";
import {
  checkId,
  checkNumber,
  type Fields,
  fields,
  list,
  malformed,
  natural,
  readFields,
  text,
} from "../../fields.ts";
import { done, sequence, value } from "../../replies.ts";
import { hostAndPort } from "../bodies.ts";
import { programRef } from "../programs/program_routes.ts";
import type { DetachedDrivers } from "./detached_drivers.ts";

const MAX_BODY_BYTES = 4 * 2 ** 20;
const MAX_ARGS = 10_000;
const MAX_TEXT = 200;
const MAX_FLAGS = 100;
const FLAG = /^[a-z][a-z-]{0,40}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;
/** The agent says where the cluster is, and what a driver may show to it. */
const NOT_OF_ORDERS =
  /^(master|token-file|tls-[a-z]+|insecure|symmetric|rank|ranks|head|detach|follow|socket|role)$/;
const CONTROL = /\p{C}/gu;

/** For clients. */
export function addDetachedRoutes(app: Hono, drivers: DetachedDrivers): void {
  app.put("/v1/drivers/:driver", async (context) => {
    const job = checkId(context.req.param("driver"), "driver");
    await drivers.start(job, driverOrder(await readFields(context.req.raw, MAX_BODY_BYTES)));
    return done();
  });
  app.get("/v1/drivers/:driver", (context) => {
    const driver = drivers.findAny(checkId(context.req.param("driver"), "driver"));
    const guard = context.req.query("guard");
    if (guard !== undefined && "guarded" in driver) driver.guarded(checkId(guard, "guard"));
    return value(driver.reply);
  });
  app.delete("/v1/drivers/:driver", async (context) => {
    const by = shown(context.req.query("by") ?? "somebody");
    await drivers.cancel(checkId(context.req.param("driver"), "driver"), by);
    return done();
  });
  app.get("/v1/drivers/:driver/output", (context) => {
    const driver = drivers.findAny(checkId(context.req.param("driver"), "driver"));
    const from = checkNumber(context.req.query("from") ?? "0", "from");
    const left = new AbortController();
    return sequence(streamOf(driver.read(from, context.req.query("follow") === "1", left.signal), left));
  });
}

/** For the drivers themselves, on the Unix socket only. */
export function addDriverAccess(app: Hono, drivers: DetachedDrivers): void {
  app.get("/v1/drivers/:driver/access", (context) =>
    value(drivers.access(checkId(context.req.param("driver"), "driver"))),
  );
}

function streamOf(items: AsyncGenerator<OutputItem>, left: AbortController): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done: isDone, value: item } = await items.next();
        if (isDone === true) controller.close();
        else controller.enqueue(encode(item));
      },
      cancel: () => left.abort(),
    },
    { highWaterMark: 0 },
  );
}

function driverOrder(body: Fields): DriverOrder {
  return {
    program: programRef(fields(body.program, "program")),
    script: word(body.script, "script"),
    args: words(body.args, "args"),
    flags: texts(body.flags, "flags", FLAG, NOT_OF_ORDERS),
    environment: texts(body.environment, "environment", VARIABLE, /^LUCIOLE_(?!CODE$)/),
    workingDirectory: word(body.workingDirectory, "workingDirectory"),
    name: shown(text(body.name, "name")),
    driver: shown(text(body.driver, "driver")),
    run: natural(body.run, "run"),
    ...(body.guards === undefined ? {} : { guards: driverHome(fields(body.guards, "guards")) }),
  };
}

function driverHome({ agent, address }: Fields): DriverHome {
  return { agent: checkId(agent, "guards.agent"), address: hostAndPort(address, "guards.address") };
}

/** For people. */
function shown(given: string): string {
  return given.replace(CONTROL, "").slice(0, MAX_TEXT);
}

/** What comes into a command line or an environment, where a zero would end it. */
function word(given: unknown, name: string): string {
  const read = text(given, name);
  if (read.includes("\0")) throw malformed(name, "a text without zeros", read);
  return read;
}

function words(given: unknown, name: string): readonly string[] {
  const all = list(given, name);
  if (all.length > MAX_ARGS) throw malformed(name, `at most ${MAX_ARGS} texts`, all.length);
  return all.map((one) => word(one, name));
}

function texts(given: unknown, name: string, pattern: RegExp, not: RegExp): Record<string, string> {
  const entries = Object.entries(fields(given, name));
  if (entries.length > MAX_FLAGS) throw malformed(name, `at most ${MAX_FLAGS} texts`, entries.length);
  for (const [key] of entries) {
    if (!pattern.test(key) || not.test(key)) throw malformed(name, "names that may be given", key);
  }
  return Object.fromEntries(entries.map(([key, one]) => [key, word(one, `${name}.${key}`)]));
}
