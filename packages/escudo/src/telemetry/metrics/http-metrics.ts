import { type ClientRequest, type ServerRequest, watchHttp } from '../../core/events/http-events.ts'
import { type Family, type FamilyFacts, histograms, type Sample, samples } from './families.ts'
import type { Histogram } from './histogram.ts'

// Names, labels and bounds after OpenTelemetry's semantic conventions for HTTP metrics, in the form in which its
// exporters hand them to Prometheus.

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/** What else a client sends as a method is its own invention, and becomes the convention's `_OTHER`. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
])

const SERVED: FamilyFacts = {
  name: 'http_server_request_duration_seconds',
  help: 'How long requests took that this service answered.',
  type: 'histogram',
  unit: 'seconds',
  labels: ['http_request_method', 'http_route', 'http_response_status_code', 'error_type'],
}
const ACTIVE: FamilyFacts = {
  name: 'http_server_active_requests',
  help: 'Requests that this service is answering.',
  type: 'gauge',
  labels: ['http_request_method'],
}
const SENT: FamilyFacts = {
  name: 'http_client_request_duration_seconds',
  help: 'How long attempts to call a dependency took, their bodies included.',
  type: 'histogram',
  unit: 'seconds',
  labels: ['http_request_method', 'server_address', 'server_port', 'http_response_status_code', 'error_type'],
}
const ERRORS: FamilyFacts = {
  name: 'escudo_http_errors',
  help: 'Errors that this service answered, by code and by whether the client or we must act.',
  type: 'counter',
  labels: ['error_code', 'error_kind'],
}

/** Counts requests that are served and sent. */
export class HttpMetrics {
  readonly #served: Family<Histogram>
  readonly #active: Family<Sample>
  readonly #sent: Family<Histogram>
  readonly #errors: Family<Sample>
  readonly #exemplars: boolean
  readonly #unwatch: () => void

  constructor(maxSeries: number, exemplars: boolean) {
    this.#served = histograms(SERVED, maxSeries, SECONDS)
    this.#active = samples(ACTIVE, maxSeries)
    this.#sent = histograms(SENT, maxSeries, SECONDS)
    this.#errors = samples(ERRORS, maxSeries)
    this.#exemplars = exemplars
    this.#unwatch = watchHttp({ served: (request) => this.#serve(request), sent: (request) => this.#send(request) })
  }

  get families(): readonly Family<Sample | Histogram>[] {
    return [this.#served, this.#active, this.#sent, this.#errors]
  }

  close(): void {
    this.#unwatch()
  }

  #serve(request: ServerRequest): ReturnType<NonNullable<Parameters<typeof watchHttp>[0]['served']>> {
    const method = knownMethod(request.method)
    const active = this.#active.at([method])
    active.value += 1
    return ({ durationMs, route, status, errorCode, errorKind, traceId }) => {
      active.value -= 1
      // To the convention, a client's mistake is no error of the server's.
      const errorType = status >= 500 ? (errorCode ?? String(status)) : undefined
      const series = this.#served.at([method, route ?? undefined, String(status), errorType])
      series.observe(durationMs / 1_000, this.#exemplars ? traceId : undefined)
      if (errorCode !== undefined) this.#errors.at([errorCode, errorKind]).value += 1
    }
  }

  #send({ method, url }: ClientRequest): ReturnType<NonNullable<Parameters<typeof watchHttp>[0]['sent']>> {
    return ({ durationMs, status, errorType, traceId }) => {
      const labels = [knownMethod(method), addressOf(url), portOf(url), status?.toString(), errorType]
      this.#sent.at(labels).observe(durationMs / 1_000, this.#exemplars ? traceId : undefined)
    }
  }
}

function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER'
}

/** An IPv6 address without its brackets, which belong to the URL. */
function addressOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function portOf({ port, protocol }: URL): string {
  if (port !== '') return port
  return protocol === 'https:' ? '443' : '80'
}
