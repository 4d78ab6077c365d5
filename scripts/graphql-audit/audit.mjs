// Every rule of graphql-http's audit, the recommended ones included, must hold.
import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2] });
const bad = results.filter((result) => result.status !== 'ok');
for (const { status, id, name, reason } of bad) console.error(`${status} ${id} ${name}: ${reason}`);
console.log(`${results.length - bad.length} of ${results.length} hold`);
process.exit(bad.length === 0 ? 0 : 1);
