import type { RequestLine } from './log-line.ts'

/** The most services that are kept apart; the rest are counted together under `(other)`. */
export const SERVICES_MAX = 1_000

/** What is counted for all requests, and for those of each service. */
export interface Totals {
  requests: number
  clientErrors: number
  serverErrors: number
  latencyMsSum: number
  latencies: number
}

/** Counts requests. */
export class Tally {
  readonly all: Totals = noTotals()
  readonly byStatus = new Map<number, number>()
  readonly byService = new Map<string, Totals>()

  /** Counts one request; `service` is the one of its file where the line names none. */
  add(request: RequestLine, service: string): void {
    const ofService = this.#service(request.service ?? service)
    const { status } = request
    count(this.all, request)
    count(ofService, request)
    if (status !== undefined) this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1)
  }

  /** Adds all that another tally counted. */
  merge(other: Tally): void {
    sum(this.all, other.all)
    for (const [status, requests] of other.byStatus) {
      this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + requests)
    }
    for (const [service, totals] of other.byService) sum(this.#service(service), totals)
  }

  #service(name: string): Totals {
    const key = this.byService.has(name) || this.byService.size < SERVICES_MAX ? name : '(other)'
    let totals = this.byService.get(key)
    if (totals === undefined) {
      totals = noTotals()
      this.byService.set(key, totals)
    }
    return totals
  }
}

function noTotals(): Totals {
  return { requests: 0, clientErrors: 0, serverErrors: 0, latencyMsSum: 0, latencies: 0 }
}

function count(totals: Totals, { status, latencyMs }: RequestLine): void {
  totals.requests += 1
  if (status !== undefined && status >= 500) totals.serverErrors += 1
  else if (status !== undefined && status >= 400) totals.clientErrors += 1
  if (latencyMs === undefined) return
  totals.latencyMsSum += latencyMs
  totals.latencies += 1
}

function sum(into: Totals, from: Totals): void {
  into.requests += from.requests
  into.clientErrors += from.clientErrors
  into.serverErrors += from.serverErrors
  into.latencyMsSum += from.latencyMsSum
  into.latencies += from.latencies
}
