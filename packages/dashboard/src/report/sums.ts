import type { Cells, RequestKey } from '../counts/cells.ts'
import { LatencyHistogram } from '../counts/latency-histogram.ts'
import { addLatencies, type Count, type Tally } from '../counts/tally.ts'
import { ANSWERED, type Selection, selects } from './selection.ts'

/** The latencies of requests in milliseconds, null without any. Percentiles are within 1 %. */
export interface LatencyJson {
  readonly mean: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** The totals of a set of requests in the JSON API. */
export interface TotalsJson {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null when no request has a latency. */
  readonly latency_ms: { readonly mean: number | null }
}

/** The totals of a set of requests, with percentiles. */
export interface EntriesJson extends Omit<TotalsJson, 'latency_ms'> {
  readonly latency_ms: LatencyJson
}

/** Adds up requests. */
export class Sum {
  requests = 0
  clientErrors = 0
  serverErrors = 0
  latencyMsSum = 0
  latencies = 0
  readonly histogram = new LatencyHistogram()

  add(status: number | undefined, count: Count): void {
    this.#change(status, count, 1)
    addLatencies(this.histogram, count.buckets)
  }

  /** Takes away what was added before. */
  take(status: number | undefined, count: Count): void {
    this.#change(status, count, -1)
    const taken = new LatencyHistogram()
    addLatencies(taken, count.buckets)
    this.histogram.subtract(taken)
  }

  get json(): TotalsJson {
    return {
      requests: this.requests,
      client_errors: this.clientErrors,
      server_errors: this.serverErrors,
      latency_ms: { mean: this.mean },
    }
  }

  get withPercentiles(): EntriesJson {
    return { ...this.json, latency_ms: this.latency }
  }

  get latency(): LatencyJson {
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => this.histogram.percentile(share))
    return { mean: this.mean, p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null }
  }

  get mean(): number | null {
    return this.latencies <= 0 ? null : this.latencyMsSum / this.latencies
  }

  #change(status: number | undefined, count: Count, sign: 1 | -1): void {
    this.requests += sign * count.count
    if (status !== undefined && status >= 500) this.serverErrors += sign * count.count
    else if (status !== undefined && status >= 400) this.clientErrors += sign * count.count
    this.latencyMsSum += sign * count.latencyMsSum
    this.latencies += sign * count.latencies
  }
}

/** The requests of one cell that a selection includes, and those that were counted with them but do not belong to it. */
export interface Selected {
  readonly key: RequestKey
  readonly count: Count
  readonly taken: readonly Count[]
}

/** Yields the cells of requests that a selection includes. */
export function* selected(tally: Tally, cells: Cells, selection: Selection): Generator<Selected> {
  const apart = [...(selection.hops ? [] : [tally.hops]), ...(selection.probes ? [] : [tally.probes])]
  for (const [number, count] of tally.cells) {
    const key = cells.key(number)
    if (key.type === 'event' || !selects(selection, key)) continue
    const taken = apart.flatMap((counts) => counts?.get(number) ?? [])
    yield { key, count, taken }
  }
}

/** The number of requests of a selected cell. */
export function requestsOf({ count, taken }: Selected): number {
  return Math.max(
    0,
    taken.reduce((rest, { count: apart }) => rest - apart, count.count),
  )
}

/** Adds a selected cell to sums. */
export function addSelected(sum: Sum, { key, count, taken }: Selected): void {
  sum.add(key.status, count)
  for (const apart of taken) sum.take(key.status, apart)
}

/** Adds up what each service answered. */
export function answeredBy(tally: Tally, cells: Cells): Map<string, Sum> {
  return sumsBy(selected(tally, cells, ANSWERED), ({ service }) => service)
}

/** Adds up cells by a name, such as their service. */
export function sumsBy(cells: Iterable<Selected>, nameOf: (key: RequestKey) => string): Map<string, Sum> {
  const sums = new Map<string, Sum>()
  for (const cell of cells) {
    const name = nameOf(cell.key)
    let sum = sums.get(name)
    if (sum === undefined) {
      sum = new Sum()
      sums.set(name, sum)
    }
    addSelected(sum, cell)
  }
  return sums
}
