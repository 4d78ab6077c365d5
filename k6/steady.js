// A thousand requests a second, whether or not the answers keep up: the objective of the service.
import { ROUTES, mix } from './lib/mix.js';
import { CACHED, kpis, OBJECTIVE, STATS } from './lib/kpis.js';
import { lasting, scaled } from './lib/env.js';

export { handleSummary } from './lib/summary.js';

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: scaled(1000),
      duration: lasting(180),
      preAllocatedVUs: scaled(200),
      maxVUs: scaled(1000),
    },
  },
  // A request that nobody was free to send was not sent: then the rate was not kept.
  thresholds: { ...kpis(ROUTES, OBJECTIVE), ...CACHED, dropped_iterations: ['count==0'], http_reqs: [`rate>${scaled(1000) * 0.95}`] },
  summaryTrendStats: STATS,
};

export default mix;
