// The statements that PostgreSQL has logged for one request, as a script for pgbench: its log on standard input
// (log_statement = all, with parameters), the script on standard output. What an instance asks by itself (the outbox, the
// pulse of the bus) is left out. A literal that is new in the request is another one each time the script runs:
//   node bench-statements.mjs [ID THAT IS NEW]... <server.log >script.sql
import { readFileSync } from 'node:fs';

const fresh = process.argv.slice(2);
const OWN = /\b(delete from outbox|from outbox|listen|unlisten|pg_notify|pg_stat|pg_reload_conf)\b/i;

/** Entries of the log: what a line begins and the lines that go on with it (they begin with a tab). */
function entries(text) {
  const found = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('\t')) found[found.length - 1] += '\n' + line.slice(1);
    else if (line) found.push(line);
  }
  return found;
}

/** `$1 = 'a', $2 = NULL` as literals. */
function parameters(detail) {
  const values = new Map();
  for (const [, n, literal] of detail.matchAll(/\$(\d+) = (NULL|'(?:[^']|'')*')/g)) values.set(Number(n), literal);
  return values;
}

const of = /^(\S+ \S+ \S+ )?\[(\d+)\][^:]*(LOG|DETAIL): {2}(.*)$/s;
const statements = [];
let last;
for (const entry of entries(readFileSync(0, 'utf8'))) {
  const [, , pid, kind, rest] = entry.match(of) ?? [];
  const said = rest?.match(/^(?:execute [^:]*|statement): (.*)$/s);
  if (kind === 'LOG' && said) {
    last = { pid, sql: said[1].trim().replace(/;$/, '') };
    statements.push(last);
  } else if (kind === 'DETAIL' && last?.pid === pid) {
    const values = parameters(rest);
    last.sql = last.sql.replace(/\$(\d+)/g, (all, n) => values.get(Number(n)) ?? all);
  }
}

const lines = statements.filter(({ sql }) => !OWN.test(sql)).map(({ sql }) => sql.replace(/\s+/g, ' ') + ';');
if (lines.length === 0) throw new Error('the log has no statement');
let script = lines.join('\n') + '\n';
fresh.forEach((id, n) => {
  if (!script.includes(id)) return;
  script = `select gen_random_uuid() as fresh${n} \\gset\n` + script.replaceAll(`'${id}'`, `':fresh${n}'`).replaceAll(id, `:fresh${n}`);
});
process.stdout.write(script);
