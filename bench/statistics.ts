/** The value below which the share `q` of the samples lies. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}

/** The median of the ratios, round by round: on a noisy machine ratios hold where times do not. */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return quantile(
    above.map((value, round) => value / (below[round] as number)),
    0.5,
  )
}
