// Ten thousand connections that stay open: each virtual user holds a hundred and uses all of them every ten seconds.
import { check, sleep } from 'k6';
import { count, params, together } from './lib/api.js';
import { BASES, lasting, scaled } from './lib/env.js';
import { CACHED, kpis, STATS } from './lib/kpis.js';
import { someCalendar } from './lib/routes.js';

export { handleSummary } from './lib/summary.js';

const EACH = 100;
const ROUTE = 'calendar_events';

export const options = {
  scenarios: {
    limit: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [
        { duration: lasting(60), target: scaled(10000 / EACH) },
        { duration: lasting(120), target: scaled(10000 / EACH) },
      ],
      gracefulRampDown: '0s',
    },
  },
  batch: EACH,
  batchPerHost: EACH,
  thresholds: { ...kpis([ROUTE]), ...CACHED },
  summaryTrendStats: STATS,
};

export default function () {
  const asked = Array.from({ length: EACH }, () => {
    const { id, token } = someCalendar();
    const path = `/api/calendars/${id}/events?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z`;
    return { method: 'GET', url: BASES[0] + path, params: params(ROUTE, 'read', token) };
  });
  for (const response of together(asked)) {
    count(response, ROUTE, 'read');
    check(response, { '200': (r) => r.status === 200 });
  }
  sleep(5 + 10 * Math.random());
}
