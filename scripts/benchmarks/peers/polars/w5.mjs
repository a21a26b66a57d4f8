/** W5 in Polars: the points in memory, one query for each iteration. */
import { writeFileSync } from "node:fs";
import pl from "nodejs-polars";
import { firstPoints } from "../first_points.mjs";

const [input, output] = process.argv.slice(2);
const names = Array.from({ length: 8 }, (_, i) => `x${i}`);
const points = pl.readCSV(input, { schema: Object.fromEntries(names.map((name) => [name, pl.Float64])) });
let centres = firstPoints(input, 16);
for (let i = 0; i < 10; i++) {
  // |x|² is the same for all centres of a point and left out.
  const distances = centres.map((centre, k) => {
    const square = centre.reduce((sum, value) => sum + value * value, 0);
    const products = names.map((name, d) => pl.col(name).mul(-2 * centre[d]));
    return products.reduce((sum, product) => sum.plus(product), pl.lit(square)).alias(`d${k}`);
  });
  const found = await points
    .lazy()
    .withColumns(...distances)
    .withColumns(
      pl
        .concatList(centres.map((_, k) => pl.col(`d${k}`)))
        .lst.argMin()
        .cast(pl.Int32)
        .alias("k"),
    )
    .groupBy("k")
    .agg(...names.map((name) => pl.col(name).mean()))
    .collect();
  const moved = new Map(found.rows().map(([k, ...centre]) => [k, centre]));
  centres = centres.map((centre, k) => moved.get(k) ?? centre);
}
writeFileSync(output, centres.map((centre) => `${centre.join(",")}\n`).join(""));
