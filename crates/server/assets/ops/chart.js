// Curves in SVG: the newest at the right.
const TINTS = ['--a', '--b', '--c', '--d', '--e']
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [600, 230, 76, 26]

/** Looks that the axis holds, and what stands below it: as short as what is known allows. */
const SPANS = [[30, '1 min', '30 s'], [60, '2 min', '1 min'], [150, '5 min', '2½ min']]

const svg = (tag, attributes) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

/** The next of 1, 2, 5 × 10ⁿ: a bound that reads well. */
function ceiling(x) {
  const power = 10 ** Math.floor(Math.log10(x))
  return [1, 2, 5, 10].map((step) => step * power).find((bound) => bound >= x * 0.999)
}

/** Adds a chart to `parent`, and answers what draws its next point. */
export function chart(parent, { title, unit, max, curves }, kept) {
  const card = document.createElement('section')
  card.className = 'card'
  const head = document.createElement('div')
  const name = document.createElement('h2')
  name.textContent = title
  const legend = document.createElement('ul')
  legend.className = 'legend'
  head.append(name, legend)
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' })
  card.append(head, picture)
  parent.append(card)

  const lines = Object.entries(curves).map(([label, value], n) => {
    const entry = document.createElement('li')
    entry.style.setProperty('--tint', `var(${TINTS[n]})`)
    const shown = document.createElement('b')
    entry.append(`${label} `, shown)
    legend.append(entry)
    return { label, value, shown, tint: `var(${TINTS[n]})`, points: [] }
  })

  return (since) => {
    for (const line of lines) {
      line.points.push(line.value(since))
      if (line.points.length > kept) line.points.shift()
      const last = line.points.at(-1)
      line.shown.textContent = last === null ? '–' : unit(last)
    }
    const highest = Math.max(...lines.flatMap(({ points }) => points.map((point) => point ?? 0)))
    draw(picture, lines, max ?? ceiling(highest || 1), unit)
    picture.setAttribute('aria-label', `${title}: ${lines.map(({ label, shown }) => `${label} ${shown.textContent}`).join(', ')}`)
  }
}

function draw(picture, lines, top, unit) {
  const known = lines[0].points.length
  const [kept, whole, half] = SPANS.find(([looks]) => known <= looks) ?? SPANS.at(-1)
  const x = (n, of) => LEFT + ((WIDTH - LEFT) * (kept - of + n)) / (kept - 1)
  const y = (value) => 8 + (HEIGHT - BOTTOM - 8) * (1 - Math.min(value / top, 1))
  const parts = []
  for (const share of [0, 0.5, 1]) {
    const at = y(top * share)
    parts.push(svg('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: at, y2: at }))
    const text = svg('text', { x: LEFT - 8, y: at + 5, 'text-anchor': 'end' })
    text.textContent = share ? unit(top * share) : '0'
    parts.push(text)
  }
  for (const [share, label] of [[0, whole], [0.5, half], [1, 'now']]) {
    const text = svg('text', { x: LEFT + (WIDTH - LEFT) * share, y: HEIGHT - 4, 'text-anchor': share === 1 ? 'end' : share === 0 ? 'start' : 'middle' })
    text.textContent = label
    parts.push(text)
  }
  lines.forEach(({ points, tint }, n) => {
    for (const run of runs(points)) {
      const path = run.map(([at, value], step) => `${step ? 'L' : 'M'}${x(at, points.length).toFixed(1)} ${y(value).toFixed(1)}`).join('')
      const [from, to] = [x(run[0][0], points.length), x(run.at(-1)[0], points.length)]
      if (n === 0) parts.push(svg('path', { class: 'under', style: `--tint:${tint}`, d: `${path}L${to} ${y(0)}L${from} ${y(0)}Z` }))
      parts.push(svg('path', { class: 'curve', style: `--tint:${tint}`, d: path }))
    }
  })
  picture.replaceChildren(...parts)
}

/** What hangs together: where nothing was recorded there is a gap. */
function runs(points) {
  const all = []
  points.forEach((value, at) => {
    if (value === null) return
    if (at === 0 || points[at - 1] === null || !all.length) all.push([])
    all.at(-1).push([at, value])
  })
  return all
}
