// Ten thousand followers of a few calendars in which something happens: each hears each change once, in order, and soon.
import { WebSocket } from 'k6/experimental/websockets';
import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { setTimeout } from 'k6/timers';
import { write } from './lib/api.js';
import { BASES, calendars, lasting, scaled } from './lib/env.js';
import { STATS } from './lib/kpis.js';

export { handleSummary } from './lib/summary.js';

const EACH = 100;
const SECONDS = parseInt(lasting(90));
/** Calendars that change; each has one writer, so that its changes have an order. */
const LIVE = Math.min(5, calendars.length);

const opened = new Counter('sockets_followed');
const lost = new Counter('sockets_lost');
const heard = new Counter('changes_heard');
const written = new Counter('changes_written');
const gaps = new Counter('gaps_or_repetitions');
const behind = new Counter('followers_behind');
const delay = new Trend('news_delay', true);

/** One for each calendar. They begin when the followers have had time to come, and end before these go. */
function writers() {
  const third = `${Math.ceil(SECONDS / 3)}s`;
  const writer = { executor: 'constant-vus', exec: 'change', vus: 1, startTime: third, duration: third, gracefulStop: '5s' };
  return Object.fromEntries(Array.from({ length: LIVE }, (_, n) => [`writer_${n}`, { ...writer, env: { CALENDAR: String(n) } }]));
}

export const options = {
  scenarios: {
    followers: {
      executor: 'per-vu-iterations',
      exec: 'follow',
      vus: scaled(10000 / EACH),
      iterations: 1,
      maxDuration: `${SECONDS + 30}s`,
    },
    ...writers(),
  },
  thresholds: {
    sockets_followed: [`count==${scaled(10000 / EACH) * EACH}`],
    sockets_lost: ['count==0'],
    changes_heard: ['count>0'],
    gaps_or_repetitions: ['count==0'],
    followers_behind: ['count==0'],
    news_delay: ['p(95)<1000'],
    checks: ['rate==1'],
  },
  summaryTrendStats: STATS,
};

const FOLLOW = `subscription Follow($ids: [UUID!]!) {
  calendarChanged(calendarIds: $ids) { token calendars { resync changes { kind event { title } } } } }`;

export function follow() {
  for (let n = 0; n < EACH; n++) setTimeout(() => follower(n), n * 50);
}

/** @param {number} n */
function follower(n) {
  const { id, token } = calendars[n % LIVE];
  const base = BASES[n % BASES.length].replace('http', 'ws');
  const socket = new WebSocket(`${base}/graphql/ws`, /** @type {any} */ ('graphql-transport-ws')) // the types leave protocols out;
  let last = -1;
  let done = false;
  socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } }));
  socket.onmessage = (event) => {
    const message = JSON.parse(String(event?.data));
    if (message.type === 'connection_ack') {
      const payload = { query: FOLLOW, variables: { ids: [id] } };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
      opened.add(1);
    } else if (message.type === 'ping') {
      socket.send('{"type":"pong"}');
    } else if (message.type === 'next') {
      for (const calendar of message.payload.data.calendarChanged.calendars) {
        if (calendar.resync) gaps.add(1);
        for (const { event } of calendar.changes) last = hear(event.title, last);
      }
    } else if (message.type !== 'pong') {
      lost.add(1);
    }
  };
  socket.onclose = () => lost.add(done ? 0 : 1);
  socket.onerror = () => lost.add(done ? 0 : 1);
  setTimeout(() => {
    done = true;
    // Each calendar has changed by now; who has heard of nothing was forgotten.
    behind.add(last < 0 ? 1 : 0);
    socket.close();
  }, (SECONDS - 2) * 1000);
}

/**
 * Titles are `number time`; numbers go up by one.
 * @param {string} title
 * @param {number} last
 */
function hear(title, last) {
  const [number, at] = title.split(' ').map(Number);
  heard.add(1);
  delay.add(Date.now() - at);
  gaps.add(number === last + 1 ? 0 : 1);
  return number;
}

/** Of this writer: events so far. */
let number = 0;

export function change() {
  sleep(1.5 + 3 * Math.random()); // not all calendars at the same moment
  const calendar = calendars[Number(__ENV.CALENDAR)];
  const title = `${number} ${Date.now()}`;
  const body = { calendar_id: calendar.id, title, start: { date_time: '2031-05-10T10:00:00', time_zone: 'UTC' } };
  if (write('create_event', 'POST', '/api/events', calendar.token, body, 201).status === 201) {
    number += 1;
    written.add(1);
  }
}
