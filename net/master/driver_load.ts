/**
 * Reads what a heartbeat tells of a detached driver, field by field.
 */
import { DRIVER_STATES, type DriverLoad } from "../../core/cluster/driver_info.ts";
import { MAX_CAUSE } from "../../core/cluster/job_end.ts";
import { checkId, fields, malformed, natural, shownText, text } from "../fields.ts";

const MAX_TEXT = 200;

export function driverLoad(value: unknown): DriverLoad {
  const driver = fields(value, "load.drivers");
  const state = DRIVER_STATES.find((known) => known === driver.state);
  if (state === undefined) throw malformed("load.drivers.state", "a state", driver.state);
  const { endedAt, exitCode, cause } = driver;
  return {
    job: checkId(driver.job, "load.drivers.job"),
    name: shownText(text(driver.name, "load.drivers.name"), MAX_TEXT),
    driver: shownText(text(driver.driver, "load.drivers.driver"), MAX_TEXT),
    run: natural(driver.run, "load.drivers.run"),
    state,
    since: natural(driver.since, "load.drivers.since"),
    ...(endedAt === undefined ? {} : { endedAt: natural(endedAt, "load.drivers.endedAt") }),
    ...(exitCode === undefined ? {} : { exitCode: natural(exitCode, "load.drivers.exitCode") }),
    ...(cause === undefined ? {} : { cause: shownText(text(cause, "load.drivers.cause"), MAX_CAUSE) }),
  };
}
