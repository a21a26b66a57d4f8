/**
 * W5 in Polars: the points in memory, one query in its SQL for each iteration; to make so many expressions in
 * JavaScript would take longer than to compute them. |x|² is the same for all centres of a point and left out.
 */
import { writeFileSync } from "node:fs";
import pl from "nodejs-polars";
import { firstPoints } from "../first_points.mjs";

const [input, output] = process.argv.slice(2);
const names = Array.from({ length: 8 }, (_, i) => `x${i}`);
const points = pl.readCSV(input, { schema: Object.fromEntries(names.map((name) => [name, pl.Float64])) });
const context = new pl.SQLContext({ points: points.lazy() });
let centres = firstPoints(input, 16);
for (let i = 0; i < 10; i++) {
  const distances = centres.map((centre, k) => {
    const square = centre.reduce((sum, value) => sum + value * value, 0);
    return `${square} + ${names.map((name, d) => `${name} * (${-2 * centre[d]})`).join(" + ")} AS d${k}`;
  });
  const all = centres.map((_, k) => `d${k}`);
  const found = context.execute(
    `
    WITH distances AS (SELECT ${names}, ${distances} FROM points),
    nearest AS (SELECT *, LEAST(${all}) AS least FROM distances),
    labelled AS (SELECT CASE ${all.map((d, k) => `WHEN ${d} = least THEN ${k}`).join(" ")} END AS k, ${names} FROM nearest)
    SELECT k, ${names.map((name) => `AVG(${name}) AS ${name}`)} FROM labelled GROUP BY k`,
    { eager: true },
  );
  const moved = new Map(found.rows().map(([k, ...centre]) => [k, centre]));
  centres = centres.map((centre, k) => moved.get(k) ?? centre);
}
writeFileSync(output, centres.map((centre) => `${centre.join(",")}\n`).join(""));
