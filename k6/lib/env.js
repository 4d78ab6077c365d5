// What ./dev k6 tells a scenario: which servers, which data, how much of the nominal load, for how long.
import { SharedArray } from 'k6/data';

/**
 * A calendar of the load profile, as its owner sees it.
 * @typedef {object} Calendar
 * @property {string} id
 * @property {string} token of its owner
 * @property {string[]} events ids of events in the month of the data; of series their masters
 */

/** The nominal load is that of ten cores; a run on fewer takes a part of it. */
export const SCALE = Number(__ENV.SCALE || '1');
/** The part of the nominal duration. */
export const TIME = Number(__ENV.TIME || '1');
/** Where koyomi listens, one address for each instance. */
export const BASES = (__ENV.BASE_URLS || 'http://127.0.0.1:8080').split(',');
/** Where the run leaves what it found. */
export const OUT = __ENV.OUT || '.';
export const SCENARIO = __ENV.SCENARIO || '';

const read = () => JSON.parse(open(__ENV.FIXTURE));

/** The largest first. @type {Calendar[]} */
export const calendars = new SharedArray('calendars', () => read().calendars);
/** Ids of rooms. @type {string[]} */
export const rooms = new SharedArray('rooms', () => read().rooms);
/** Addresses of people who can be invited. @type {string[]} */
export const people = new SharedArray('people', () => read().people);

/**
 * The part of `n` users, requests or connections that this run has; never none.
 * @param {number} n
 */
export const scaled = (n) => Math.max(1, Math.round(n * SCALE));

/**
 * `seconds` of the nominal run, as k6 writes durations; at least five.
 * @param {number} seconds
 */
export const lasting = (seconds) => `${Math.max(5, Math.round(seconds * TIME))}s`;
