// What is koyomi's own of the explorer: how it asks, and what it begins with.
'use strict';

const HEADERS = JSON.stringify({ Authorization: 'Bearer <your token>' }, null, 2);
// A token that was not filled in is none: then the cookie of this site speaks for the reader.
const given = (headers) =>
  Object.fromEntries(Object.entries(headers ?? {}).filter(([, value]) => !String(value).includes('<your token>')));

/** Splits a stream of server-sent events into {event, data}. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const fields = text.slice(0, end).split('\n').filter((line) => !line.startsWith(':'));
        const of = (name) =>
          fields.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart()).join('\n');
        if (fields.length > 0) yield { event: of('event'), data: of('data') };
      }
    }
  } finally {
    await reader.cancel();
  }
}

async function* followed(answer) {
  for await (const { event, data } of events(answer.body)) {
    if (event === 'complete') return;
    yield JSON.parse(data);
  }
}

const follows = (document, name) =>
  document?.definitions.some(
    (one) => one.kind === 'OperationDefinition' && one.operation === 'subscription' && (!name || one.name?.value === name),
  ) ?? false;

async function fetcher({ query, variables, operationName }, { headers, documentAST } = {}) {
  const stream = follows(documentAST, operationName);
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: stream ? 'text/event-stream' : 'application/graphql-response+json',
      ...given(headers),
    },
    body: JSON.stringify({ query, variables, operationName }),
  });
  const follow = answer.headers.get('Content-Type')?.startsWith('text/event-stream');
  return follow ? followed(answer) : answer.json();
}

const EXAMPLES = [
  `# Who am I, and what is coming up?
query Agenda($from: DateTime!) {
  me { id name timeZone }
  agenda(from: $from, first: 10) {
    nodes { title startTime endTime calendar { name } organizer { name } }
    pageInfo { hasNextPage endCursor }
  }
}`,
  `# A week of my calendars with guests and rooms.
query Calendars($from: DateTime!) {
  calendars(first: 5) {
    nodes {
      id
      name
      events(from: $from, first: 20) {
        nodes {
          title
          start { dateTime timeZone }
          attendees(first: 10) { nodes { email responseStatus user { name } } }
          reservations { resource { name } }
        }
      }
    }
  }
}`,
  `# Which rooms are free? At most 92 days.
query Rooms($from: DateTime!, $to: DateTime!) {
  availability(from: $from, to: $to, kind: ROOM, first: 10) {
    nodes { free busy { startTime endTime } resource { name capacity } }
  }
}`,
  `# What changes in a calendar, as it changes: put in its id.
subscription Follow {
  calendarChanged(calendarIds: ["00000000-0000-0000-0000-000000000000"]) {
    token
    calendars { resync calendar { name } changes { kind event { title startTime } } }
  }
}`,
];

const day = 24 * 3600 * 1000;
const from = new Date(Math.floor(Date.now() / day) * day);
const variables = JSON.stringify({ from, to: new Date(from.getTime() + 7 * day) }, null, 2);
const defaultTabs = EXAMPLES.map((query) => ({ query, headers: HEADERS, variables: query.includes('$from') ? variables : '' }));

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, { fetcher, defaultTabs, defaultHeaders: HEADERS, isHeadersEditorEnabled: true }),
);
