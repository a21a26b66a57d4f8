/**
 * What the hono apps of all roles have in common: the version that is spoken, and errors
 * as answers. Knows no route.
 */
import { Hono } from "hono";
import { LucioleError, ProtocolError } from "../core/errors.ts";
import { PROTOCOL, PROTOCOL_HEADER } from "./protocol.ts";
import { failure } from "./replies.ts";

/** An app that refuses other versions of the protocol. */
export function createApp(role: "agent" | "master"): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const version = context.req.header(PROTOCOL_HEADER);
    return version === String(PROTOCOL) ? await next() : failure(wrongVersion(role, version), 426);
  });
  app.notFound((context) =>
    failure(new LucioleError("not-found", `Cannot find ${context.req.path}: this ${role} has no such route`)),
  );
  app.onError((error) => failure(error));
  return app;
}

function wrongVersion(role: string, version: string | undefined): ProtocolError {
  const theirs = version === undefined ? "none" : JSON.stringify(version.slice(0, 20));
  return new ProtocolError(
    `Cannot take the request: it speaks protocol ${theirs}, this ${role} ${PROTOCOL}`,
    {
      fields: { protocol: PROTOCOL },
    },
  );
}
