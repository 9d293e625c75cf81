import type { CallResult } from './call.ts'

/**
 * Summarises the calls by status: count and latency.
 *
 * @param planned the requested number of calls; fewer were made if the attack was stopped
 */
export function summaryOf(results: readonly CallResult[], planned: number): string {
  if (results.length === 0) return 'no call was made\n'
  const groups = new Map<string, number[]>()
  for (const result of results) {
    const name = result.kind === 'answer' ? String(result.status) : 'ERROR'
    const latencies = groups.get(name)
    if (latencies === undefined) groups.set(name, [result.ms])
    else latencies.push(result.ms)
  }
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
  const made = results.length < planned ? `${results.length} of ${planned}` : String(planned)
  const calls = `${made} ${planned === 1 ? 'call' : 'calls'}`
  return [
    '',
    `${calls}; latency in ms`,
    row(['status', 'calls', 'min', 'mean', 'p95', 'max']),
    ...rows.map(([name, latencies]) => rowOf(name, latencies)),
    ...(rows.length > 1
      ? [
          rowOf(
            'all',
            rows.flatMap(([, latencies]) => latencies),
          ),
        ]
      : []),
    '',
  ].join('\n')
}

function rowOf(name: string, latencies: readonly number[]): string {
  const sorted = latencies.toSorted((a, b) => a - b)
  const sum = sorted.reduce((total, ms) => total + ms, 0)
  const facts = [quantile(sorted, 0), sum / sorted.length, quantile(sorted, 0.95), quantile(sorted, 1)]
  return row([name, String(sorted.length), ...facts.map((ms) => ms.toFixed(1))])
}

/** The nearest-rank quantile: the smallest value that is at least as large as `share` of all values. */
export function quantile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

function row(cells: readonly string[]): string {
  const [first = '', ...rest] = cells
  return first.padEnd(6) + rest.map((cell) => cell.padStart(9)).join('')
}
