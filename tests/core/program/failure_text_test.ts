/** What people read of failures on the way to other machines. */
import { expect, test } from "bun:test";
import { AuthError, LucioleError } from "../../../core/errors.ts";
import { failureText } from "../../../core/program/failure_text.ts";

test.each([
  new LucioleError("unreachable", "Cannot reach m1: nothing listens there", {
    cause: new Error("ECONNREFUSED: hm"),
  }),
  new LucioleError("foreign", "Cannot reach m1: something else listens there"),
  new AuthError("Cannot reach m1: its certificate has expired", { cause: new Error("CERT_HAS_EXPIRED") }),
])("failureText() of a machine that is of no use is one line: $message", (error) => {
  expect(failureText(error)).toBe(`error: ${error.message}`);
});

test("failureText() names the causes of other failures", () => {
  const error = new LucioleError("task", "Cannot run step map", {
    cause: new LucioleError("disk-full", "No room"),
  });
  expect(failureText(error).split("\n")).toContain("  caused by: No room");
});
