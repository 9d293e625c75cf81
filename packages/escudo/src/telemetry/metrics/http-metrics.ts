import { type ClientRequest, type ServerRequest, type Work, watchHttp } from '../../core/events/http-events.ts'
import { addressOf, knownMethod, portOf } from '../http-facts.ts'
import { ACTIVE, BOUNDS_SECONDS, ERRORS, SENT, SERVED, WORK } from './definitions.ts'
import { type Family, HistogramFamily, type Sample, samples } from './families.ts'
import type { Histogram } from './histogram.ts'

/** Counts served requests, other work, and sent attempts. */
export class HttpMetrics {
  readonly #served: HistogramFamily
  readonly #worked: HistogramFamily
  readonly #active: Family<Sample>
  readonly #sent: HistogramFamily
  readonly #errors: Family<Sample>
  readonly #exemplars: boolean
  readonly #stopWatching: () => void

  constructor(maxSeries: number, exemplars: boolean) {
    this.#served = new HistogramFamily(SERVED, maxSeries, BOUNDS_SECONDS)
    this.#worked = new HistogramFamily(WORK, maxSeries, BOUNDS_SECONDS)
    this.#active = samples(ACTIVE, maxSeries)
    this.#sent = new HistogramFamily(SENT, maxSeries, BOUNDS_SECONDS)
    this.#errors = samples(ERRORS, maxSeries)
    this.#exemplars = exemplars
    this.#stopWatching = watchHttp({
      served: (request) => this.#onServed(request),
      worked: (work) => this.#onWorked(work),
      sent: (request) => this.#onSent(request),
    })
  }

  get families(): readonly Family<Sample | Histogram>[] {
    return [this.#served, this.#active, this.#sent, this.#errors, this.#worked]
  }

  close(): void {
    this.#stopWatching()
  }

  #onServed(request: ServerRequest): ReturnType<NonNullable<Parameters<typeof watchHttp>[0]['served']>> {
    const method = knownMethod(request.method)
    const active = this.#active.seriesFor([method])
    active.value += 1
    return ({ durationMs, route, status, errorCode, errorKind, traceId }) => {
      active.value -= 1
      // In the conventions, a 4xx is not an error of the server.
      const errorType = status >= 500 ? (errorCode ?? String(status)) : undefined
      const series = this.#served.seriesFor([method, route ?? undefined, status, errorType])
      series.observe(durationMs / 1_000, this.#exemplars ? traceId : undefined)
      if (errorCode !== undefined) this.#errors.seriesFor([errorCode, errorKind]).value += 1
    }
  }

  #onWorked({ name }: Work): ReturnType<NonNullable<Parameters<typeof watchHttp>[0]['worked']>> {
    return ({ durationMs, errorCode, errorKind, traceId }) => {
      this.#worked.seriesFor([name, errorCode]).observe(durationMs / 1_000, this.#exemplars ? traceId : undefined)
      if (errorCode !== undefined) this.#errors.seriesFor([errorCode, errorKind]).value += 1
    }
  }

  #onSent({ method, url }: ClientRequest): ReturnType<NonNullable<Parameters<typeof watchHttp>[0]['sent']>> {
    return ({ durationMs, status, errorType, traceId }) => {
      const labels = [knownMethod(method), addressOf(url), portOf(url), status, errorType]
      this.#sent.seriesFor(labels).observe(durationMs / 1_000, this.#exemplars ? traceId : undefined)
    }
  }
}
