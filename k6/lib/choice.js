// What a user looks at: few things often, many seldom.

/**
 * Chooses from 0 to n-1, the k-th with a weight of (k+1)^-exponent.
 * @param {number} n
 * @param {number} exponent
 * @returns {() => number}
 */
export function zipf(n, exponent) {
  const sums = new Float64Array(n);
  let sum = 0;
  for (let k = 0; k < n; k++) sums[k] = sum += Math.pow(k + 1, -exponent);
  return () => {
    const at = Math.random() * sum;
    let low = 0;
    let high = n - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/**
 * Chooses one of the values by its weight.
 * @template T
 * @param {[number, T][]} weighted
 * @returns {() => T}
 */
export function weighted(weighted) {
  const total = weighted.reduce((sum, [weight]) => sum + weight, 0);
  return () => {
    let at = Math.random() * total;
    for (const [weight, value] of weighted) {
      at -= weight;
      if (at < 0) return value;
    }
    return weighted[weighted.length - 1][1];
  };
}

/**
 * One of the items, all alike.
 * @template T
 * @param {T[]} items
 * @returns {T}
 */
export const anyOf = (items) => items[Math.floor(Math.random() * items.length)];
