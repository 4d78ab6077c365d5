// What most people would write today: graphql-yoga, a DataLoader per relation, node-postgres. Nobody's rights are checked
// and nothing is cached; it answers the question of the bench, and no other.
import { createServer } from 'node:http';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import pg from 'pg';

const [port, url] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: 20 });
const named = (name, text) => async (values) => (await pool.query({ name, text, values })).rows;

const calendarById = named('calendar', 'select id, name from calendars where id = any($1)');
const occurrences = named(
  'page',
  `select e.id, e.title, e.organizer_id, o.start_time, o.end_time, o.original_start::text as original_start
     from occurrences o join events e on e.id = o.event_id and e.deleted_at is null
    where o.calendar_id = $1 and o.start_time < $3 and o.end_time > $2 and o.start_time >= $2::timestamptz - interval '31 days'
    order by o.start_time, o.event_id limit $4`,
);
const guestsOf = named(
  'guests',
  `select event_id, email, name, user_id, response_status from attendees where event_id = any($1) order by created_at, id`,
);
const bookedBy = named(
  'booked',
  `select v.event_id, v.original_start::text as original_start, v.resource_id from reservations v where v.event_id = any($1)`,
);
const usersById = named('users', 'select id, name, email from users where id = any($1)');
const resourcesById = named('resources', 'select id, name from resources where id = any($1)');

const one = (rows, key) => {
  const by = new Map(rows.map((row) => [row[key], row]));
  return (ids) => ids.map((id) => by.get(id) ?? null);
};
const many = (rows, key) => {
  const by = new Map();
  for (const row of rows) by.has(row[key]) ? by.get(row[key]).push(row) : by.set(row[key], [row]);
  return (ids) => ids.map((id) => by.get(id) ?? []);
};
const loaders = () => ({
  calendars: new DataLoader(async (ids) => one(await calendarById([ids]), 'id')(ids)),
  guests: new DataLoader(async (ids) => many(await guestsOf([ids]), 'event_id')(ids)),
  booked: new DataLoader(async (ids) => many(await bookedBy([ids]), 'event_id')(ids)),
  users: new DataLoader(async (ids) => one(await usersById([ids]), 'id')(ids)),
  resources: new DataLoader(async (ids) => one(await resourcesById([ids]), 'id')(ids)),
});

const typeDefs = /* GraphQL */ `
  type Query { calendar(id: String!): Calendar }
  type Calendar { id: ID! name: String! events(from: String!, to: String!, first: Int!): EventConnection! }
  type EventConnection { nodes: [Event!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! }
  type Event {
    id: ID! title: String! startTime: String! endTime: String! organizer: User
    attendees(first: Int!): AttendeeConnection! reservations: [Reservation!]!
  }
  type AttendeeConnection { nodes: [Attendee!]! }
  type Attendee { email: String! responseStatus: String! user: User }
  type User { id: ID! name: String! }
  type Reservation { resource: Resource! }
  type Resource { id: ID! name: String! }
`;
const resolvers = {
  Query: { calendar: (_, { id }, { loaders }) => loaders.calendars.load(id) },
  Calendar: {
    events: async ({ id }, { from, to, first }) => {
      const rows = await occurrences([id, from, to, first + 1]);
      return { nodes: rows.slice(0, first), pageInfo: { hasNextPage: rows.length > first } };
    },
  },
  Event: {
    startTime: (event) => event.start_time.toISOString(),
    endTime: (event) => event.end_time.toISOString(),
    organizer: (event, _, { loaders }) => event.organizer_id && loaders.users.load(event.organizer_id),
    attendees: async (event, { first }, { loaders }) => ({ nodes: (await loaders.guests.load(event.id)).slice(0, first) }),
    reservations: async (event, _, { loaders }) =>
      (await loaders.booked.load(event.id)).filter((row) => row.original_start === event.original_start),
  },
  Attendee: {
    responseStatus: (guest) => guest.response_status.toUpperCase(),
    user: (guest, _, { loaders }) => guest.user_id && loaders.users.load(guest.user_id),
  },
  Reservation: { resource: (row, _, { loaders }) => loaders.resources.load(row.resource_id) },
};

const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), context: () => ({ loaders: loaders() }), logging: false });
createServer(yoga).listen(Number(port), '127.0.0.1');
