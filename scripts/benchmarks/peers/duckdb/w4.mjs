/** W4 in SQL: tables in memory, one statement for each iteration. */
import { connect, copy, csvOf } from "./database.mjs";

const [input, output] = process.argv.slice(2);
const connection = await connect();
const edges = csvOf(input, { source: "INTEGER", target: "INTEGER" }, "header = false, delim = ' '");
await connection.run(`CREATE TEMP TABLE edges AS FROM ${edges}`);
await connection.run(`CREATE TEMP TABLE nodes AS
  SELECT source AS node, count(*)::DOUBLE AS degree, 1 / count(*)::DOUBLE AS share FROM edges GROUP BY source`);
for (let i = 0; i < 10; i++) {
  await connection.run(`CREATE TEMP TABLE next AS
    SELECT node, degree, (0.15 + 0.85 * coalesce(total, 0)) / degree AS share
    FROM nodes LEFT JOIN (
      SELECT target, sum(share) AS total FROM edges JOIN nodes ON source = node GROUP BY target
    ) ON node = target`);
  await connection.run("DROP TABLE nodes");
  await connection.run("ALTER TABLE next RENAME TO nodes");
}
await connection.run(copy("SELECT node, share * degree FROM nodes", output));
