// The text format of Prometheus, read, and what happened between two looks.
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

export class Samples {
  constructor(text, at) {
    this.at = at
    this.byName = new Map()
    for (const line of text.split('\n')) {
      const found = line.match(LINE)
      if (!found) continue
      const labels = Object.fromEntries([...(found[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [name, value]))
      if (!this.byName.has(found[1])) this.byName.set(found[1], new Map())
      this.byName.get(found[1]).set(found[2] ?? '', { labels, value: Number(found[3]) })
    }
  }

  of(name, where = () => true) {
    return [...(this.byName.get(name) ?? new Map()).entries()].filter(([, sample]) => where(sample.labels))
  }

  /** The sum of what stands there now. */
  now(name, where) {
    return this.of(name, where).reduce((sum, [, sample]) => sum + sample.value, 0)
  }

  label(name, label) {
    return this.of(name)[0]?.[1].labels[label] ?? ''
  }

  since(before) {
    return new Since(this, before)
  }
}

class Since {
  constructor(after, before) {
    this.after = after
    this.before = before
    this.seconds = after.at - before.at
  }

  now(name, where) {
    return this.after.now(name, where)
  }

  /** What was added to each sample. */
  added(name, where) {
    const before = this.before.byName.get(name)
    return this.after.of(name, where).map(([key, { labels, value }]) => {
      const was = before?.get(key)?.value ?? 0
      // A counter that went back was started anew.
      return { labels, value: value >= was ? value - was : value }
    })
  }

  sum(name, where) {
    return this.added(name, where).reduce((sum, { value }) => sum + value, 0)
  }

  rate(name, where) {
    return this.sum(name, where) / this.seconds
  }

  groups(name, by, where) {
    const groups = new Map()
    for (const { labels, value } of this.added(name, where)) {
      const key = by.map((label) => labels[label]).join('\n')
      const group = groups.get(key) ?? { labels, value: 0 }
      group.value += value
      groups.set(key, group)
    }
    return [...groups.values()]
  }

  /** As Prometheus' histogram_quantile; null where nothing was recorded. */
  quantile(name, q, where) {
    const bounds = new Map()
    for (const { labels, value } of this.added(`${name}_bucket`, where)) {
      const bound = labels.le === '+Inf' ? Infinity : Number(labels.le)
      bounds.set(bound, (bounds.get(bound) ?? 0) + value)
    }
    const buckets = [...bounds.entries()].sort(([a], [b]) => a - b)
    const all = buckets.at(-1)?.[1] ?? 0
    if (!all) return null
    const rank = q * all
    let [below, under] = [0, 0]
    for (const [bound, count] of buckets) {
      if (count >= rank) {
        if (bound === Infinity) return below
        return count === under ? bound : below + ((bound - below) * (rank - under)) / (count - under)
      }
      ;[below, under] = [bound, count]
    }
    return below
  }
}
