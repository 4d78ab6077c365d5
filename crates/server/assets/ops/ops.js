// The instance's own curves, from /metrics alone.
import { Samples } from '/ops/samples.js'
import { chart } from '/ops/chart.js'

const EVERY = 2000 // ms between looks
const KEPT = 150 // five minutes of them
const OVER = 5 // rates and quantiles are of so many looks

const ms = (s) => (s >= 1 ? `${s.toFixed(1)} s` : s >= 0.01 ? `${(s * 1e3).toFixed(0)} ms` : `${(s * 1e3).toFixed(2)} ms`)
const percent = (x) => `${(x * 100).toFixed(x > 0 && x < 0.1 ? 2 : 1)} %`
const number = (x) => (x >= 1000 ? x.toLocaleString('en', { maximumFractionDigits: 0 }) : x.toFixed(x < 10 && x % 1 ? 1 : 0))
const bytes = (x) => `${(x / 1e6).toFixed(0)} MB`

// Whoever watches us is no user.
const asked = (labels) => !/^\/(healthz|readyz|metrics|ops)/.test(labels.route)
const LATENCY = 'koyomi_http_request_duration_seconds'
const share = (part, whole) => (whole > 0 ? part / whole : null)

// Each chart: what it is called, how its values read, and its curves as functions of what happened between two looks.
const CHARTS = [
  { title: 'Latency', unit: ms, curves: {
    p50: (d) => d.quantile(LATENCY, 0.5, asked),
    p95: (d) => d.quantile(LATENCY, 0.95, asked),
    p99: (d) => d.quantile(LATENCY, 0.99, asked) } },
  { title: 'Requests per second', unit: number, curves: {
    all: (d) => d.rate('koyomi_http_requests_total', asked),
    refused: (d) => d.rate('koyomi_http_requests_total', (l) => asked(l) && l.status === '4xx'),
    failed: (d) => d.rate('koyomi_http_requests_total', (l) => asked(l) && l.status === '5xx') } },
  { title: 'Cache: hit ratio', unit: percent, max: 1, curves: {
    memory: (d) => hits(d, 'l1'),
    Redis: (d) => hits(d, 'l2'),
    both: (d) => hits(d) } },
  { title: 'Statements per request', unit: number, curves: {
    mean: (d) => share(d.sum('koyomi_http_request_statements_sum', asked), d.sum('koyomi_http_request_statements_count', asked)),
    p99: (d) => d.quantile('koyomi_http_request_statements', 0.99, asked) } },
  { title: 'Connections', unit: number, curves: {
    used: (d) => d.now('koyomi_db_pool_connections', (l) => l.state === 'used'),
    open: (d) => d.now('koyomi_db_pool_connections'),
    waiting: (d) => d.now('koyomi_db_pool_waiting'),
    'Redis, used': (d) => d.now('koyomi_redis_pool_connections', (l) => l.state === 'used'),
    most: (d) => d.now('koyomi_db_pool_connections_max') } },
  { title: 'Bus: lag of the relay', unit: ms, curves: {
    p50: (d) => d.quantile('koyomi_bus_relay_lag_seconds', 0.5),
    p99: (d) => d.quantile('koyomi_bus_relay_lag_seconds', 0.99) } },
]

function hits(d, tier) {
  const all = d.sum('koyomi_cache_hits_total')
  const found = tier ? d.sum('koyomi_cache_hits_total', (l) => l.tier === tier) : all
  return share(found, all + d.sum('koyomi_cache_fills_total'))
}

// Right now: a name, a value, and whether it is bad.
const TILES = [
  ['requests per second', (d) => number(d.rate('koyomi_http_requests_total', asked))],
  ['p95', (d) => dash(d.quantile(LATENCY, 0.95, asked), ms), (d) => d.quantile(LATENCY, 0.95, asked) > 0.2],
  ['failed', (d) => dash(failed(d), percent), (d) => failed(d) > 0.001],
  ['from the cache', (d) => dash(hits(d), percent)],
  ['in flight', (d) => number(d.now('koyomi_http_requests_in_flight'))],
  ['open streams', (d) => number(d.now('koyomi_subscriptions_open'))],
  ['in the outbox', (d) => number(d.now('koyomi_bus_outbox_rows')), (d) => d.now('koyomi_bus_outbox_rows') > 1000],
  ['stale values', (d) => number(d.now('koyomi_cache_mismatches_total')), (d) => d.now('koyomi_cache_mismatches_total') > 0],
  ['memory', (d) => bytes(d.now('process_resident_memory_bytes')), (d) => d.now('process_resident_memory_bytes') > 500e6],
]

const failed = (d) =>
  share(d.sum('koyomi_http_requests_total', (l) => asked(l) && l.status === '5xx'), d.sum('koyomi_http_requests_total', asked))
const dash = (value, unit) => (value === null ? '–' : unit(value))

const element = (tag, text, className) => {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  if (className) made.className = className
  return made
}

const tiles = TILES.map(([name, value, bad]) => {
  const tile = element('div', undefined, 'tile')
  const shown = element('b', '–')
  tile.append(shown, element('span', name))
  document.getElementById('tiles').append(tile)
  return (d) => {
    shown.textContent = value(d)
    tile.classList.toggle('bad', Boolean(bad?.(d)))
  }
})
const charts = CHARTS.map((about) => chart(document.getElementById('charts'), about, KEPT))

function routes(d) {
  const busiest = d.groups('koyomi_http_requests_total', ['method', 'route'], asked).filter(({ value }) => value > 0)
  const rows = busiest.sort((a, b) => b.value - a.value).slice(0, 8).map(({ labels, value }) => {
    const same = (l) => l.route === labels.route && l.method === labels.method
    const statements = share(d.sum('koyomi_http_request_statements_sum', same), d.sum('koyomi_http_request_statements_count', same))
    const errors = share(d.sum('koyomi_http_requests_total', (l) => same(l) && l.status === '5xx'), value)
    const row = element('tr')
    const cells = [`${labels.method} ${labels.route}`, number(value / d.seconds), dash(d.quantile(LATENCY, 0.95, same), ms), dash(statements, number), dash(errors, percent)]
    row.append(...cells.map((text) => element('td', text)))
    return row
  })
  document.getElementById('routes').replaceChildren(...rows)
}

const looks = []
const state = document.getElementById('state')

async function look() {
  try {
    const answer = await fetch('/metrics', { cache: 'no-store', signal: AbortSignal.timeout(5000) })
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    looks.push(new Samples(await answer.text(), performance.now() / 1000))
    if (looks.length > OVER + 1) looks.shift()
    const began = looks.at(-1).now('process_start_time_seconds')
    state.textContent = `live · version ${looks.at(-1).label('koyomi_build_info', 'version')} · up since ${new Date(began * 1000).toLocaleString('sv')}`
    state.className = 'live'
  } catch (error) {
    state.textContent = `no answer from /metrics: ${error.message}`
    state.className = 'lost'
    looks.length = 0
  }
  if (looks.length > 1) {
    const since = looks.at(-1).since(looks[0])
    tiles.forEach((show) => show(since))
    charts.forEach((draw) => draw(since))
    routes(since)
  }
  setTimeout(look, EVERY)
}
look()
