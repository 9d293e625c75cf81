/** The quantile `q` of the samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}

/** The median of the ratios of each round. On a noisy machine, ratios are more stable than times. */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return quantile(
    above.map((value, round) => value / (below[round] as number)),
    0.5,
  )
}
