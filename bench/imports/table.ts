import { quantile } from '../statistics.ts'
import { table } from '../tables.ts'
import type { Measured } from './measure.ts'

/** Renders the medians, with their quartiles, as a Markdown table. */
export function importTable(all: readonly Measured[]): string {
  const rows = all.map((one, index) => [
    one.name,
    index === 0 ? '' : one.overName,
    goal(one),
    spread(one.wallMs),
    spread(one.cpuMs),
  ])
  return table(['import', 'over', 'goal', 'ms (quartiles)', 'ms of processor time (quartiles)'], rows, 3)
}

function spread(samples: readonly number[]): string {
  const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(samples, q).toFixed(1))
  return `${median} (${low}–${high})`
}

function goal({ goalMs, wallMs }: Measured): string {
  if (goalMs === undefined) return ''
  return `≤ ${goalMs}: ${quantile(wallMs, 0.5) <= goalMs ? 'met' : 'missed'}`
}
