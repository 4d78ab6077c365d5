// The statements that PostgreSQL has logged for one request, as a script for pgbench: its log on standard input
// (log_statement = all, with parameters), the script on standard output. What an instance asks by itself (the outbox, the
// pulse of the bus) is left out. A literal that is new in the request is another one each time the script runs:
//   node bench-statements.mjs [ID THAT IS NEW]... <server.log >script.sql
import { readFileSync } from 'node:fs';

const fresh = process.argv.slice(2);
const OWN = /\b(delete from outbox|from outbox|listen|unlisten|pg_notify|pg_stat|pg_reload_conf|alter system|pg_control_system)\b/i;

/** Entries of the log: what a line begins and the lines that go on with it (they begin with a tab). */
function entries(text) {
  const found = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('\t')) found[found.length - 1] += '\n' + line.slice(1);
    else if (line) found.push(line);
  }
  return found;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const TIME = '\\d{4,}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?';
const TYPES = [
  [new RegExp(`^'${UUID}'$`), 'uuid'],
  [new RegExp(`^'\\{${UUID}(,${UUID})*\\}'$`), 'uuid[]'],
  [new RegExp(`^'${TIME}[+-]\\d\\d( BC)?'$`), 'timestamptz'],
  [new RegExp(`^'${TIME}( BC)?'$`), 'timestamp'],
  [/^'\{-?\d+(,-?\d+)*\}'$/, 'bigint[]'],
];

/** As the driver does, which sends the type of each value along: PostgreSQL does not guess them from operators. */
function typed(literal) {
  const type = TYPES.find(([form]) => form.test(literal))?.[1];
  return type ? `${literal}::${type}` : literal;
}

/** `$1 = 'a', $2 = NULL` as literals. */
function parameters(detail) {
  const values = new Map();
  for (const [, n, literal] of detail.matchAll(/\$(\d+) = (NULL|'(?:[^']|'')*')/g)) values.set(Number(n), typed(literal));
  return values;
}

const of = /^(\S+ \S+ \S+ )?\[(\d+)\][^:]*(LOG|DETAIL): {2}(.*)$/s;
const statements = [];
const last = new Map(); // of each process
for (const entry of entries(readFileSync(0, 'utf8'))) {
  const [, , pid, kind, rest] = entry.match(of) ?? [];
  const said = rest?.match(/^(?:execute [^:]*|statement): (.*)$/s);
  if (kind === 'LOG' && said) {
    const statement = { sql: said[1].trim().replace(/;$/, '') };
    last.set(pid, statement);
    statements.push(statement);
  } else if (kind === 'DETAIL' && last.has(pid)) {
    const values = parameters(rest);
    const statement = last.get(pid);
    statement.sql = statement.sql.replace(/\$(\d+)/g, (all, n) => values.get(Number(n)) ?? all);
  }
}

const lines = statements.filter(({ sql }) => !OWN.test(sql)).map(({ sql }) => sql.replace(/--.*/g, '').replace(/\s+/g, ' ') + ';');
if (lines.length === 0) throw new Error('the log has no statement');
let script = lines.join('\n') + '\n';
fresh.forEach((id, n) => {
  if (!script.includes(id)) return;
  script = `select gen_random_uuid() as fresh${n} \\gset\n` + script.replaceAll(`'${id}'`, `':fresh${n}'`).replaceAll(id, `:fresh${n}`);
});
process.stdout.write(script);
