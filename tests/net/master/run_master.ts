/** A program that is a master, for tests of its process. */
import { runMaster } from "../../../net/master/main.ts";
import { masterConfig } from "./master_config.ts";

await runMaster(masterConfig({}), (text) => process.stderr.write(`${text}\n`));
