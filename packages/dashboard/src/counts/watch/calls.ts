import { hashOf } from '../../traces/trace-filter.ts'
import type { Counted } from './bucket.ts'
import type { Edges } from './edges.ts'
import type { ServiceWatch } from './service-watch.ts'

/** The most recent spans that are remembered. */
const SPANS = 65_536
/** The most recent traces, and the most spans that a request waits for. */
const TRACES = 16_384
/** The most requests of one trace, or of one parent, that are remembered. */
const MEMBERS_MAX = 32
/** Lines of services on different machines disagree by this much about who began first. */
const SLACK_MS = 5

/** A request whose caller is not known yet. */
export interface PendingRequest extends Counted {
  readonly watch: ServiceWatch
  readonly at: number
  readonly startedAt: number
  readonly status: number | undefined
  readonly latencyMs: number | undefined
  isHop: boolean
  /** The service that was last found to call it. */
  caller: ServiceWatch | undefined
}

interface Members {
  readonly hash: number
  readonly items: PendingRequest[]
}

/**
 * Tells hops from entry requests, and finds out which service calls which.
 *
 * A request is a hop if its parent span is the span of another line. A client may also give each attempt its own span, which
 * is in no line. Such a request is a hop if its trace has a request without a parent, or one of another service around it.
 *
 * The line of a called service comes before the line of its caller, so requests wait for their callers here. All tables have
 * a fixed size, and a newer entry replaces an older one.
 */
export class Calls {
  readonly #edges: Edges
  readonly #onHop: (request: PendingRequest) => void
  readonly #spanHashes = new Int32Array(SPANS)
  readonly #spanServices: (ServiceWatch | undefined)[] = new Array<undefined>(SPANS)
  readonly #rootHashes = new Int32Array(TRACES)
  readonly #rootServices: (ServiceWatch | undefined)[] = new Array<undefined>(TRACES)
  readonly #byParent: (Members | undefined)[] = new Array<undefined>(TRACES)
  readonly #byTrace: (Members | undefined)[] = new Array<undefined>(TRACES)
  #hasWaiting = false

  constructor(edges: Edges, onHop: (request: PendingRequest) => void) {
    this.#edges = edges
    this.#onHop = onHop
  }

  /** Records a line with a span. Requests that wait for this span become hops. */
  seeSpan(spanId: string, watch: ServiceWatch): void {
    const hash = hashOf(spanId)
    const index = hash & (SPANS - 1)
    if (this.#spanHashes[index] === hash && this.#spanServices[index] === watch) return
    this.#spanHashes[index] = hash
    this.#spanServices[index] = watch
    if (!this.#hasWaiting) return
    const waiting = this.#byParent[hash & (TRACES - 1)]
    if (waiting?.hash !== hash) return
    this.#byParent[hash & (TRACES - 1)] = undefined
    for (const request of waiting.items) this.#join(watch, request)
  }

  /** Records a request without a parent: the first of its trace. */
  addRoot(traceHash: number, watch: ServiceWatch): void {
    const index = traceHash & (TRACES - 1)
    this.#rootHashes[index] = traceHash
    this.#rootServices[index] = watch
    const members = this.#byTrace[index]
    if (members?.hash !== traceHash) return
    this.#byTrace[index] = undefined
    for (const request of members.items) this.#joinTrace(watch, request)
  }

  /** Records a request with a parent. */
  addChild(parentSpanId: string, traceHash: number | undefined, request: PendingRequest): void {
    const parent = hashOf(parentSpanId)
    const index = parent & (SPANS - 1)
    const caller = this.#spanHashes[index] === parent ? this.#spanServices[index] : undefined
    if (caller !== undefined) this.#join(caller, request)
    else {
      this.#hasWaiting = true
      remember(this.#byParent, parent, request)
    }
    // The first service of the trace calls this one too, through others. That is known whatever came first.
    if (traceHash === undefined) return
    const root =
      this.#rootHashes[traceHash & (TRACES - 1)] === traceHash
        ? this.#rootServices[traceHash & (TRACES - 1)]
        : undefined
    if (root !== undefined) this.#joinTrace(root, request)
    else {
      this.#compare(traceHash, request)
      remember(this.#byTrace, traceHash, request)
    }
  }

  /** Of two requests of a trace, one within the other, the inner one is a hop. Which service calls it is not certain. */
  #compare(traceHash: number, request: PendingRequest): void {
    const members = this.#byTrace[traceHash & (TRACES - 1)]
    if (members?.hash !== traceHash) return
    for (const other of members.items) {
      if (other.watch === request.watch) continue
      const [inner, outer] = [isWithin(request, other), isWithin(other, request)]
      // Two that took the same time: the name decides, so that the order of lines does not.
      if (inner && (!outer || request.watch.name > other.watch.name)) this.#markHop(request)
      else if (outer) this.#markHop(other)
    }
  }

  #join(caller: ServiceWatch, request: PendingRequest): void {
    if (request.caller !== caller) this.#edges.add(caller, request.watch, request.at, request.failed)
    request.caller = caller
    this.#markHop(request)
  }

  #markHop(request: PendingRequest): void {
    if (request.isHop) return
    request.isHop = true
    request.watch.markHop(request.at, request)
    this.#onHop(request)
  }

  #joinTrace(root: ServiceWatch, request: PendingRequest): void {
    // The same service twice in a trace: two requests of one user, such as a redirect.
    if (root !== request.watch) this.#join(root, request)
  }
}

function isWithin(inner: PendingRequest, outer: PendingRequest): boolean {
  return outer.startedAt <= inner.startedAt + SLACK_MS && outer.at >= inner.at - SLACK_MS
}

function remember(table: (Members | undefined)[], hash: number, request: PendingRequest): void {
  const index = hash & (TRACES - 1)
  const members = table[index]
  if (members?.hash !== hash) table[index] = { hash, items: [request] }
  else if (members.items.length < MEMBERS_MAX) members.items.push(request)
}
