// graphql-ws and graphql-sse, the reference clients of both protocols: what changes is told by either, and what was told
// last is where the next one goes on.
import assert from 'node:assert/strict';
import { createClient as overSocket } from 'graphql-ws';
import { createClient as overEvents } from 'graphql-sse';
import WebSocket from 'ws';

const [base, token] = process.argv.slice(2);
const authorization = `Bearer ${token}`;

async function rest(method, path, body) {
  const answer = await fetch(base + path, {
    method,
    headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}

const calendar = (await rest('POST', '/api/calendars', { name: 'Audit' })).id;
const create = (title) =>
  rest('POST', '/api/events', {
    calendar_id: calendar,
    title,
    start: { date_time: '2026-03-10T10:00:00', time_zone: 'UTC' },
    end: { date_time: '2026-03-10T11:00:00', time_zone: 'UTC' },
  });

const query = `subscription Follow($ids: [UUID!]!, $since: String) {
  calendarChanged(calendarIds: $ids, since: $since) { token calendars { changes { kind event { title } } } }
}`;
const titles = (item) => item.calendars.flatMap((one) => one.changes.map((change) => change.event.title));
let since = null;

const clients = {
  'graphql-ws': () =>
    overSocket({
      url: `${base.replace('http', 'ws')}/graphql/ws`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: authorization },
      retryAttempts: 0,
      lazyCloseTimeout: 2_000,
    }),
  'graphql-sse': () => overEvents({ url: `${base}/graphql`, headers: { Authorization: authorization }, retryAttempts: 0 }),
};

for (const [name, connect] of Object.entries(clients)) {
  const client = connect();
  const items = client.iterate({ query, variables: { ids: [calendar], since } });
  const next = async () => {
    const { value } = await items.next();
    assert.equal(value.errors, undefined, JSON.stringify(value));
    since = value.data.calendarChanged.token;
    return value.data.calendarChanged;
  };
  // What happened while nobody listened, then what happens now.
  assert.deepEqual(titles(await next()), since === null || name === 'graphql-ws' ? [] : ['missed']);
  await create(name);
  assert.deepEqual(titles(await next()), [name]);
  await items.return();
  client.dispose();
  await create('missed');
  console.log(`${name}: told at once, and from where it stopped`);
}

// One question over the socket, and one that is refused.
const client = clients['graphql-ws']();
const once = (query) => new Promise((resolve, reject) => {
  let answer;
  client.subscribe({ query }, { next: (value) => (answer = value), error: reject, complete: () => resolve(answer) });
});
assert.ok((await once('{ me { email } }')).data.me.email);
await assert.rejects(once('{ nothing }'), (errors) => errors[0].extensions.code === 'graphql_invalid');
client.dispose();

// A token that opens nothing.
const stranger = overSocket({
  url: `${base.replace('http', 'ws')}/graphql/ws`,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: 'Bearer nothing' },
  retryAttempts: 0,
});
await assert.rejects(stranger.iterate({ query: '{ me { id } }' }).next(), (error) => error.code === 4403);
console.log('graphql-ws: questions, refusals and closing codes');
