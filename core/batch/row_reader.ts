/**
 * Makes rows of columns again, by code that is generated for each shape.
 *
 * Names of properties get into the code as JSON only. A reader is for one column;
 * the code of a shape is kept and used for every column of that shape.
 */
import { CodeCache, compileFunction, wantsGeneratedCode } from "../generated_code.ts";
import type { Column } from "./column.ts";
import { plainReader } from "./plain_reader.ts";
import { type Shape, shapeKey, shapeOfColumn } from "./shape.ts";
import { columnText, decodeRow } from "./text.ts";

export type RowReader = (i: number) => unknown;

type Factory = (column: Column, columnTextOf: typeof columnText, decodeRowOf: typeof decodeRow) => RowReader;

const factories = new CodeCache<Factory>();

/** Returns the function that makes row i of a column. */
export function rowReader(column: Column): RowReader {
  if (!wantsGeneratedCode()) return plainReader(column);
  const shape = shapeOfColumn(column);
  const factory = factories.get(
    shapeKey(shape),
    () => compileFunction(["column", "columnText", "decodeRow"], rowReaderSource(shape)) as Factory,
  );
  return factory(column, columnText, decodeRow);
}

/** Code of one reader: what is bound when it is made, what is decoded at the first row, and the lists. */
interface Code {
  readonly bindings: string[];
  readonly texts: string[];
  count: number;
}

/** The body of `(column, columnText, decodeRow) => reader` for columns of a shape. */
export function rowReaderSource(shape: Shape): string {
  const code: Code = { bindings: [], texts: [], count: 0 };
  const expression = readExpression(code, shape, "column", "i");
  const prepare =
    code.texts.length === 0
      ? ""
      : `let isReady = false; const prepare = () => { ${code.texts.join(" ")} isReady = true; };`;
  const body = code.texts.length === 0 ? "" : "if (!isReady) prepare();";
  return `"use strict"; ${code.bindings.join("\n")} ${prepare} return (i) => { ${body} return ${expression}; };`;
}

/** The expression that makes row `i` of the column that `path` evaluates to. */
function readExpression(code: Code, shape: Shape, path: string, i: string): string {
  if (shape.kind === "none") return "undefined";
  if (shape.kind === "null") return shape.absent;
  const id = code.count++;
  const column = `c${id}`;
  code.bindings.push(`const ${column} = ${path};`);
  const present = presentExpression(code, shape, id, i);
  if (shape.absent === undefined) return present;
  code.bindings.push(`const p${id} = ${column}.validity;`);
  return `((p${id}[${i} >> 3] & (1 << (${i} & 7))) === 0 ? ${shape.absent} : ${present})`;
}

type Present = Exclude<Shape, { kind: "none" | "null" }>;

function presentExpression(code: Code, shape: Present, id: number, i: string): string {
  const bind = (name: string, field: string) => code.bindings.push(`const ${name}${id} = c${id}.${field};`);
  switch (shape.kind) {
    case "number":
    case "any":
      bind("v", "values");
      return `v${id}[${i}]`;
    case "date":
      bind("v", "values");
      return `new Date(v${id}[${i}])`;
    case "boolean":
      bind("b", "bits");
      return `((b${id}[${i} >> 3] & (1 << (${i} & 7))) !== 0)`;
    case "string":
      return stringExpression(code, id, i);
    case "bytes":
      bind("y", "bytes");
      bind("o", "offsets");
      return `y${id}.slice(o${id}[${i}], o${id}[${i} + 1])`;
    case "tuple":
      return `[${shape.items.map((item, k) => readExpression(code, item, `c${id}.columns[${k}]`, i)).join(", ")}]`;
    case "object":
      return `{${shape.names
        .map(
          (name, k) =>
            `${nameCode(name)}: ${readExpression(code, shape.items[k], `c${id}.columns[${k}]`, i)}`,
        )
        .join(", ")}}`;
    case "list":
      return listExpression(code, shape.item, id, i);
  }
}

/** A property name in an object literal; "__proto__" would set the prototype there. */
function nameCode(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

function stringExpression(code: Code, id: number, i: string): string {
  code.bindings.push(`let t${id}, s${id}, z${id} = 0;`);
  code.texts.push(`{ const d = columnText(c${id}); t${id} = d.text; s${id} = d.starts; z${id} = d.base; }`);
  return `(t${id} === undefined ? decodeRow(c${id}, ${i}) : t${id}.substring(s${id}[${i}] - z${id}, s${id}[${i} + 1] - z${id}))`;
}

function listExpression(code: Code, item: Shape, id: number, i: string): string {
  const expression = readExpression(code, item, `c${id}.items`, `j${id}`);
  code.bindings.push(
    `const o${id} = c${id}.offsets; const l${id} = (i) => {
      const from = o${id}[i], to = o${id}[i + 1], list = [];
      for (let j${id} = from; j${id} < to; j${id}++) list.push(${expression});
      return list;
    };`,
  );
  return `l${id}(${i})`;
}
