/**
 * Rows as CSV records (RFC 4180): objects by property, arrays by place.
 *
 * Columns come from the options or from the first row; a later row with other
 * properties is an error, not a loss.
 */
import type { Column } from "../../batch/column.ts";
import type { SinkFormat } from "../../graph/node.ts";

type CsvFormat = SinkFormat & { readonly kind: "csv" };

export class CsvRows {
  readonly #format: CsvFormat;
  readonly #special: RegExp;
  #columns: readonly string[] | undefined;

  constructor(format: CsvFormat) {
    this.#format = format;
    this.#columns = format.columns;
    this.#special = new RegExp(`["\\r\\n${escaped(format.delimiter)}]`);
  }

  /** The header line, when it is wanted and the columns are known. */
  header(): string {
    if (!this.#format.header || this.#columns === undefined) return "";
    return this.#line(this.#columns);
  }

  /** The record of a row, with the header before it when the row was needed to know the columns. */
  record(row: unknown): string {
    if (typeof row !== "object" || row === null) {
      throw new TypeError(`the row is ${row === null ? "null" : typeof row}, not an object or an array`);
    }
    let header = "";
    if (this.#columns === undefined) {
      this.#columns = Array.isArray(row) ? row.map((_, i) => `column${i}`) : Object.keys(row);
      header = this.header();
    }
    return header + this.#line(Array.isArray(row) ? this.#places(row) : this.#properties(row));
  }

  /**
   * The columns of the fields of a batch, and the header when the batch was needed to know them; undefined when rows
   * have other fields than records.
   */
  fields(column: Column): { readonly header: string; readonly fields: readonly Column[] } | undefined {
    if ((column.kind !== "tuple" && column.kind !== "object") || column.validity !== undefined)
      return undefined;
    const names = column.kind === "object" ? column.names : column.columns.map((_, i) => `column${i}`);
    let header = "";
    if (this.#columns === undefined) {
      this.#columns = names;
      header = this.header();
    }
    const columns = this.#columns;
    if (column.kind === "tuple") {
      return column.columns.length === columns.length ? { header, fields: column.columns } : undefined;
    }
    if (this.#format.columns === undefined && names.length !== columns.length) return undefined;
    const fields = columns.map((name): Column | undefined => column.columns[names.indexOf(name)]);
    return fields.every((field) => field !== undefined) ? { header, fields } : undefined;
  }

  #places(row: readonly unknown[]): readonly unknown[] {
    const count = this.#columns?.length ?? 0;
    if (row.length !== count) throw new TypeError(`the row has ${row.length} places, not ${count}`);
    return row;
  }

  #properties(row: object): readonly unknown[] {
    const columns = this.#columns ?? [];
    const record = row as Readonly<Record<string, unknown>>;
    if (this.#format.columns === undefined) {
      for (const name of Object.keys(record)) {
        if (columns.includes(name)) continue;
        throw new TypeError(`the row has "${name}", which is none of the columns ${columns.join(", ")}`);
      }
    }
    return columns.map((name) => (Object.hasOwn(record, name) ? record[name] : undefined));
  }

  #line(values: readonly unknown[]): string {
    // A line with nothing on it would be no record.
    if (values.length === 1) return `${this.#field(values[0], 0) || '""'}\n`;
    let line = "";
    for (let i = 0; i < values.length; i++) {
      line += i === 0 ? this.#field(values[i], i) : this.#format.delimiter + this.#field(values[i], i);
    }
    return `${line}\n`;
  }

  #field(value: unknown, place: number): string {
    switch (typeof value) {
      case "string":
        return this.#quoted(value);
      case "number":
      case "boolean":
      case "bigint":
        return this.#quoted(String(value));
      case "undefined":
        return "";
      default: {
        if (value === null) return "";
        if (value instanceof Date)
          return Number.isNaN(value.getTime()) ? "" : this.#quoted(value.toISOString());
        const name = this.#columns?.[place] ?? String(place);
        throw new TypeError(
          `column ${name} holds ${Array.isArray(value) ? "an array" : "an object"}, not a value`,
        );
      }
    }
  }

  #quoted(text: string): string {
    return this.#special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
}

function escaped(delimiter: string): string {
  return /[\w\s]/.test(delimiter) ? delimiter : `\\${delimiter}`;
}
