// Setup of the tests of createMetrics: metrics that are closed after each test, and readers of their values.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach } from 'vitest'
import { readScrape, type Scrape } from '../metrics/test/setup.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../metrics.ts'

setFlagsFromString('--expose-gc')
/** Runs the garbage collector. */
export const collectGarbage = runInNewContext('gc') as () => void

/** Returns `createMetrics` for a test file. All metrics are closed after each test. */
export function metricsPerTest(): (options?: MetricsOptions) => Metrics {
  let open: Metrics[] = []
  afterEach(() => {
    for (const metrics of open) metrics.close()
    open = []
  })
  return (options) => {
    const metrics = createMetrics(options)
    open.push(metrics)
    return metrics
  }
}

/** Scrapes metrics and parses the text. */
export function scrapeOf(metrics: Metrics): Scrape {
  return readScrape(metrics.scrape().body)
}

/** The values of one metric for one shield, by the values of their other labels. */
export function valuesOf(metrics: Metrics, name: string, shield: string): Readonly<Record<string, number>> {
  const samples = scrapeOf(metrics).samples.filter(
    (sample) => sample.name === name && sample.labels['escudo_shield'] === shield,
  )
  return Object.fromEntries(
    samples.map(({ labels: { escudo_shield: _, ...others }, value }) => [Object.values(others).join(' '), value]),
  )
}

/** An operation that always fails. */
export function failing(): Promise<number> {
  return Promise.reject(new Error('down'))
}
