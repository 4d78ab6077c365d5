// Whether answers say the same: all fields of all items, but for entity tags, cursors, and what a new event cannot share.
import { readFileSync } from "node:fs";

const own = new Set(["etag", "next_cursor"]);
const unlike = process.argv[2] === "--new" ? ["id", "uid", "created_at", "updated_at", "room_name"] : [];
unlike.forEach((name) => own.add(name));

const shown = (value) => {
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.keys(value).filter((name) => !own.has(name)).sort();
  return Object.fromEntries(kept.map((name) => [name, shown(value[name])]));
};
const lines = (file) => JSON.stringify(shown(JSON.parse(readFileSync(file))), null, 1).split("\n");

const [first, ...others] = process.argv.slice(unlike.length ? 3 : 2);
const wanted = lines(first);
if (wanted.length < 5) throw new Error(`${first} says nothing`);
for (const other of others) {
  const found = lines(other);
  const at = wanted.findIndex((line, i) => line !== found[i]);
  if (at >= 0 || found.length !== wanted.length) {
    console.error(`${other}, line ${at}:\n${found.slice(at - 3, at + 2).join("\n")}\n${first}:\n${wanted.slice(at - 3, at + 2).join("\n")}`);
    process.exitCode = 1;
  }
}
