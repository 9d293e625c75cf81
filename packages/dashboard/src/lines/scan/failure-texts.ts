import { KIND_BUSINESS, KIND_TECHNICAL, type ScannedFailures } from './scanned-failures.ts'
import { IN_DOUBT, stringEnd } from './scan-values.ts'
import { HAS_SPAN, HAS_TRACE } from './scanned-lines.ts'
import { Literal } from './words.ts'

const BUSINESS = new Literal(Buffer.from('business"'))
const TECHNICAL = new Literal(Buffer.from('technical"'))
const NO_RANK = 1_000

/** Where the texts are that matter if the request of a line failed. They are read only if they are shown. */
export class FailureTexts {
  traceStart = 0
  traceEnd = 0
  spanStart = 0
  spanEnd = 0
  pathStart = 0
  pathEnd = 0
  routeStart = 0
  routeEnd = 0
  /** The number of the error code; 0 for none. */
  code = 0
  #kind = 0
  #messageStart = 0
  #messageEnd = 0
  #messageRank = NO_RANK

  /** Another line begins. */
  clear(): void {
    this.pathEnd = 0
    this.routeEnd = 0
    this.code = 0
    this.#kind = 0
    this.#messageRank = NO_RANK
  }

  /** Reads the kind of an error that begins at an offset. Returns where it ends. */
  readKind(bytes: Buffer, view: DataView, start: number): number {
    if (BUSINESS.isAt(view, start)) this.#kind = KIND_BUSINESS
    else if (TECHNICAL.isAt(view, start)) this.#kind = KIND_TECHNICAL
    return stringEnd(bytes, view, start)
  }

  /** Reads a message. Of several ones, that with the lowest rank counts. Returns where it ends. */
  readMessage(bytes: Buffer, view: DataView, start: number, rank: number): number {
    const end = stringEnd(bytes, view, start)
    if (end === IN_DOUBT || end === start + 1 || rank > this.#messageRank) return end
    this.#messageRank = rank
    this.#messageStart = start
    this.#messageEnd = end - 1
    return end
  }

  /** Adds what the line says about its failure. */
  addTo(failures: ScannedFailures, flags: number): void {
    const index = failures.count
    const hasTrace = (flags & HAS_TRACE) !== 0
    const hasSpan = (flags & HAS_SPAN) !== 0
    const hasPath = this.pathEnd > this.pathStart
    const hasMessage = this.#messageRank !== NO_RANK
    failures.traceStarts[index] = this.traceStart
    failures.traceEnds[index] = hasTrace ? this.traceEnd : 0
    failures.spanStarts[index] = this.spanStart
    failures.spanEnds[index] = hasSpan ? this.spanEnd : 0
    failures.pathStarts[index] = hasPath ? this.pathStart : this.routeStart
    failures.pathEnds[index] = hasPath ? this.pathEnd : this.routeEnd
    failures.messageStarts[index] = this.#messageStart
    failures.messageEnds[index] = hasMessage ? this.#messageEnd : 0
    failures.codes[index] = this.code
    failures.kinds[index] = this.#kind
    failures.count = index + 1
  }
}
