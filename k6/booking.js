// Many want the same room at the same time, through both instances: exactly one gets it, the others hear 409.
import { check } from 'k6';
import { expectedStatuses } from 'k6/http';
import { Counter } from 'k6/metrics';
import exec from 'k6/execution';
import { count, JSON_BODY, params, together } from './lib/api.js';
import { BASES, calendars, lasting, rooms, scaled } from './lib/env.js';
import { STATS } from './lib/kpis.js';

export { handleSummary } from './lib/summary.js';

const RACERS = 10;
const races = new Counter('races');
const double = new Counter('double_bookings');
const unsold = new Counter('unsold_rooms');
const ROUTE = 'book_room';

export const options = {
  scenarios: { booking: { executor: 'constant-vus', vus: Math.min(rooms.length, scaled(20)), duration: lasting(60) } },
  batch: RACERS,
  batchPerHost: RACERS,
  thresholds: {
    races: ['count>0'],
    double_bookings: ['count==0'],
    unsold_rooms: ['count==0'],
    checks: ['rate==1'],
    [`http_req_duration{route:${ROUTE}}`]: ['p(95)<500', 'p(99)<1000'],
  },
  summaryTrendStats: STATS,
};

const answered = expectedStatuses(201, 409);
/** The n-th half hour from 2031 on; nothing is booked there. */
const slot = (/** @type {number} */ n) => new Date(Date.UTC(2031, 0, 1) + n * 1_800_000).toISOString().slice(0, 19);

export default function () {
  const room = rooms[(exec.vu.idInTest - 1) % rooms.length];
  const n = exec.vu.iterationInScenario;
  const time = (/** @type {number} */ at) => ({ date_time: slot(at), time_zone: 'UTC' });
  const racers = Array.from({ length: RACERS }, (_, racer) => {
    const { id, token } = calendars[racer % calendars.length];
    const body = { calendar_id: id, title: 'race', start: time(n), end: time(n + 1), resources: [room] };
    const how = { ...params(ROUTE, 'write', token, JSON_BODY), responseCallback: answered };
    return { method: 'POST', url: `${BASES[racer % BASES.length]}/api/events`, body: JSON.stringify(body), params: how };
  });
  const answers = together(racers);
  for (const answer of answers) {
    count(answer, ROUTE, 'write');
    check(answer, { '201 or 409': (r) => r.status === 201 || r.status === 409 });
  }
  const won = answers.filter(({ status }) => status === 201).length;
  races.add(1);
  double.add(Math.max(0, won - 1));
  unsold.add(won === 0 ? 1 : 0);
}
