/**
 * W5 in SQL: one query for each iteration, from the centres to their sums. The inner product of arrays takes
 * half the time of the sum of squares; |x|² is the same for all centres of a point and left out.
 */
import { writeFileSync } from "node:fs";
import { firstPoints } from "../first_points.mjs";
import { connect, csvOf } from "./database.mjs";

const [input, output] = process.argv.slice(2);
const connection = await connect();
const names = Array.from({ length: 8 }, (_, i) => `x${i}`);
const types = Object.fromEntries(names.map((name) => [name, "DOUBLE"]));
await connection.run(
  `CREATE TEMP TABLE points AS SELECT *, array_value(${names}) AS x FROM ${csvOf(input, types)}`,
);
let centres = firstPoints(input, 16);
for (let i = 0; i < 10; i++) {
  const distances = centres.map((centre, k) => {
    const square = centre.reduce((sum, value) => sum + value * value, 0);
    const array = `[${centre.map((value) => `${value}::DOUBLE`)}]::DOUBLE[8]`;
    return `(${square})::DOUBLE - 2 * array_inner_product(x, ${array}) AS d${k}`;
  });
  const all = centres.map((_, k) => `d${k}`);
  const result = await connection.runAndReadAll(`
    WITH distances AS (SELECT ${names}, ${distances} FROM points),
    nearest AS (SELECT *, least(${all}) AS least FROM distances)
    SELECT CASE ${all.map((d, k) => `WHEN ${d} = least THEN ${k}`).join(" ")} END AS k,
      ${names.map((name) => `avg(${name})`)} FROM nearest GROUP BY k`);
  const moved = new Map(result.getRows().map(([k, ...centre]) => [k, centre]));
  centres = centres.map((centre, k) => moved.get(k) ?? centre);
}
writeFileSync(output, centres.map((centre) => `${centre.join(",")}\n`).join(""));
