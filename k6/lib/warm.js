// Run before a scenario whose reads are to be those of a server that has been up for a while: asks once for what is asked for
// most often.
import exec from 'k6/execution';
import { calendars } from './env.js';
import { LOOKED_AT, availability, calendarEvents, events, nested, oneEvent } from './routes.js';

export const options = { vus: 8, iterations: LOOKED_AT };

export default function () {
  const calendar = calendars[exec.scenario.iterationInTest];
  calendarEvents(calendar, 0);
  events(calendar, 0);
  nested(undefined, undefined, undefined, calendar);
  availability(calendar);
  for (let n = 0; n < calendar.events.length; n++) oneEvent(calendar, n);
}

/** Its numbers are nobody's. */
export const handleSummary = () => ({});
