// What many people do at the same time: one of twenty requests is a write.
import { weighted } from './choice.js';
import { availability, calendarEvents, createEvent, events, nested, oneEvent } from './routes.js';

const choose = weighted([
  [30, calendarEvents],
  [20, events],
  [20, oneEvent],
  [10, availability],
  [15, () => void nested()],
  [5, createEvent],
]);

/** One request of the mix. */
export const mix = () => choose()();

/** The names of its routes in the report. */
export const ROUTES = ['calendar_events', 'events', 'event', 'availability', 'nested', 'create_event'];
