// One function for each route of the mix: the five of the REST API that carry the load, and the nested question.
import { anyOf, zipf } from './choice.js';
import { ask, read, write } from './api.js';
import { calendars, people } from './env.js';

/** @typedef {import('./env.js').Calendar} Calendar */

/** The data lie around 2026-11-15. Nine of ten looks are at this month, as a client shows it when it is opened. */
const MONTHS = ['2026-11', '2026-12', '2026-10', '2027-01', '2026-09'];
const NEXT = ['2026-12', '2027-01', '2026-11', '2027-02', '2026-10'];
const month = zipf(MONTHS.length, 4);
const day = zipf(10, 1);
/** People look at the larger part of the calendars, some of which are everybody's; they write into any, their own. */
export const LOOKED_AT = Math.ceil(calendars.length * 0.6);
const calendar = zipf(LOOKED_AT, 1.1);
/** What comes next is opened most often. */
const event = zipf(10, 1.5);

/** Some calendar, the large ones most often. */
export const someCalendar = () => calendars[calendar()];
/** @param {number} n */
const window = (n) => `from=${MONTHS[n]}-01T00:00:00Z&to=${NEXT[n]}-01T00:00:00Z`;

/** @param {Calendar} [of] @param {number} [n] which month */
export function calendarEvents({ id, token } = someCalendar(), n = month()) {
  read('calendar_events', `/api/calendars/${id}/events?${window(n)}&limit=50`, token);
}

/** @param {Calendar} [of] @param {number} [n] which month */
export function events({ id, token } = someCalendar(), n = month()) {
  read('events', `/api/events?calendar_id=${id}&${window(n)}&limit=50&expand=attendees`, token);
}

/** @param {Calendar} [of] @param {number} [n] which of its events */
export function oneEvent({ events, token } = someCalendar(), n = event()) {
  if (events.length) read('event', `/api/events/${events[n % events.length]}?expand=attendees,resources`, token);
}

/** @param {Calendar} [of] whose owner asks */
export function availability({ token } = someCalendar()) {
  const date = `2026-11-${16 + day()}`;
  read('availability', `/api/resources/availability?from=${date}T00:00:00Z&to=${date}T12:00:00Z&limit=50`, token);
}

const NESTED = `query Nested($id: UUID!, $from: DateTime, $to: DateTime, $first: Int) {
  calendar(id: $id) { id events(from: $from, to: $to, first: $first) {
    nodes { id title startTime endTime organizer { name }
      attendees(first: 10) { nodes { email responseStatus user { id name } } }
      reservations { resource { id name } } }
    pageInfo { hasNextPage endCursor } } } }`;

export const THIS_MONTH = { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' };

/**
 * Calendar, events, guests and who they are, rooms.
 * @param {number} [first] events
 * @param {{from: string, to: string}} [within]
 * @param {string} [route]
 * @param {Calendar} [of]
 */
export function nested(first = 50, within = THIS_MONTH, route = 'nested', { id, token } = someCalendar()) {
  return ask(route, NESTED, { id, first, ...within }, token);
}

export function createEvent() {
  const { id, token } = anyOf(calendars);
  const n = month();
  const date = `${MONTHS[n]}-${String(1 + Math.floor(Math.random() * 28)).padStart(2, '0')}`;
  const at = (/** @type {number} */ hour) => ({ date_time: `${date}T${String(hour).padStart(2, '0')}:00:00`, time_zone: 'Asia/Tokyo' });
  const hour = 8 + Math.floor(Math.random() * 10);
  const attendees = [{ email: anyOf(people) }];
  const body = { calendar_id: id, title: 'Made by k6', start: at(hour), end: at(hour + 1), attendees };
  write('create_event', 'POST', '/api/events', token, body, 201);
}
