import { quantile } from '../statistics.ts'
import type { Measured } from './measure.ts'

/** Renders the medians, with their quartiles, as a Markdown table. */
export function table(all: readonly Measured[]): string {
  return [
    '| import | over | ms (quartiles) | ms of processor time (quartiles) | goal |',
    '| --- | --- | --: | --: | --- |',
    ...all.map((one, index) => {
      const over = index === 0 ? '' : one.overName
      return `| ${one.name} | ${over} | ${spread(one.wallMs)} | ${spread(one.cpuMs)} | ${goal(one)} |`
    }),
  ].join('\n')
}

function spread(samples: readonly number[]): string {
  const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(samples, q).toFixed(1))
  return `${median} (${low}–${high})`
}

function goal({ goalMs, wallMs }: Measured): string {
  if (goalMs === undefined) return ''
  return `≤ ${goalMs}: ${quantile(wallMs, 0.5) <= goalMs ? 'met' : 'missed'}`
}
