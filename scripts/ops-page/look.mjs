// Looks at /ops as a person would: in Chromium, while the instance has something to do.
//   node look.mjs http://127.0.0.1:PORT TOKEN picture.png
import { chromium } from 'playwright-core'

const [base, token, picture] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'], // may run as root, and shows nothing but our own page
})
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, colorScheme: 'dark' })
const wrong = []
page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
page.on('pageerror', (error) => wrong.push(String(error)))
page.on('requestfailed', (request) => wrong.push(`${request.url()}: ${request.failure()?.errorText}`))

// A mix, in bursts: the curves must have something to show. It ends with the page.
let busy = true
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
const send = (path, body) => fetch(base + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers })
const calendars = (await (await send('/api/calendars')).json()).items.map(({ id }) => id)
async function work(n) {
  for (let round = 0; busy; round++) {
    const calendar = calendars[round % calendars.length]
    const day = String(1 + ((round + n) % 28)).padStart(2, '0')
    await (await send(`/api/events?calendar_id=${calendar}&from=2026-11-${day}T00:00:00Z&limit=50`)).arrayBuffer()
    if (round % 5 === 0) await (await send('/graphql', { query: `{ calendar(id: "${calendar}") { name events(first: 20) { nodes { title attendees(first: 5) { nodes { email } } } } } }` })).arrayBuffer()
    if (round % 20 === n) await (await send('/api/events', { calendar_id: calendar, title: 'ops', start: { date: '2027-03-01' } })).arrayBuffer()
    if (round % 50 === n) await (await send('/api/events/nothing')).arrayBuffer()
    await new Promise((done) => setTimeout(done, 15 + 40 * Math.abs(Math.sin(Date.now() / 9000))))
  }
}
const workers = [0, 1, 2, 3].map(work)

const check = (holds, what) => {
  if (!holds) wrong.push(what)
}
await page.goto(`${base}/ops`)
await page.waitForFunction(() => document.querySelectorAll('svg path.curve').length >= 12, null, { timeout: 30_000 })
await page.waitForTimeout(Number(process.env.OPS_PAGE_SECONDS ?? 40) * 1000)

const seen = await page.evaluate(() => ({
  state: document.getElementById('state').className,
  tiles: Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) => [tile.children[1].textContent, tile.children[0].textContent])),
  charts: [...document.querySelectorAll('main .card')].map((card) => ({
    title: card.querySelector('h2').textContent,
    legend: card.querySelector('svg').getAttribute('aria-label'),
    // How many different heights the highest curve has: a live one moves.
    heights: Math.max(...[...card.querySelectorAll('path.curve')].map((path) => new Set(path.getAttribute('d').match(/ [\d.]+/g)).size)),
  })),
  routes: [...document.querySelectorAll('#routes tr')].map((row) => row.children[0].textContent),
}))
await page.screenshot({ path: picture, fullPage: true })
busy = false
await Promise.all(workers)
await browser.close()

check(seen.state === 'live', `the page is ${seen.state}`)
check(seen.charts.length === 6, `${seen.charts.length} charts`)
const moves = (name, heights) => {
  const found = seen.charts.find(({ title }) => title === name)
  check(found?.heights >= heights, `${name} does not move: ${found?.legend}`)
}
for (const name of ['Latency', 'Requests per second', 'Cache: hit ratio', 'Statements per request']) moves(name, 3)
moves('Connections', 2)
moves('Bus: lag of the relay', 1) // a write now and then: it may be the same each time
check(Number.parseFloat(seen.tiles['requests per second']) > 1, `requests per second: ${seen.tiles['requests per second']}`)
check(Number.parseFloat(seen.tiles['from the cache']) > 10, `from the cache: ${seen.tiles['from the cache']}`)
for (const route of ['GET /api/events', 'POST /graphql', 'POST /api/events', 'GET /api/events/{event_id}']) {
  check(seen.routes.includes(route), `no ${route} among ${seen.routes.join(', ')}`)
}
check(!seen.routes.some((route) => route.includes('/metrics')), 'who watches is counted as a user')
for (const { legend } of seen.charts) console.log(legend)
if (wrong.length) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
