// Counters of /metrics (https://prometheus.io/docs/instrumenting/exposition_formats/).

/**
 * The sum of all series of the name whose labels include all of `labels` (`family="page"`).
 * @param {string} text
 * @param {string} name
 * @param {string[]} labels
 */
export function sum(text, name, ...labels) {
  let total = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !'{ '.includes(line[name.length])) continue;
    if (labels.every((label) => line.includes(label))) total += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return total;
}
