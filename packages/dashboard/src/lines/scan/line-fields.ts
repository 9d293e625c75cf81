import { LatencyHistogram } from '../../counts/latency-histogram.ts'
import type { Name } from './byte-names.ts'
import { FailureTexts } from './failure-texts.ts'
import { KEY, type LineKey } from './line-keys.ts'
import type { RunFields } from './line-runs.ts'
import { ScanNames } from './scan-names.ts'
import { TextScanner } from './scan-text.ts'
import { IN_DOUBT, NumberScanner } from './scan-values.ts'
import { IS_CRITICAL, IS_FAILED, IS_PROBE, type ScannedLines } from './scanned-lines.ts'

const DASH = 45
/** The keys that a request has. An event is one only if it is `http.request`. */
const NEEDED = (1 << KEY.timestamp) | (1 << KEY.event)
/** The keys of a run that say something about a row. */
const VALUED = [KEY.service, KEY.route, KEY.instance, KEY.hostname, KEY.status_code, KEY.pid].reduce(
  (bits, key) => bits | (1 << key),
  0,
)

/** What was found in the line that is being scanned. */
export class LineFields {
  readonly names = new ScanNames()
  readonly failure = new FailureTexts()
  /** The flags of its row. */
  flags = 0
  readonly #numbers = new NumberScanner()
  readonly #texts = new TextScanner()
  #seen = 0
  #instance = 0
  #host = 0
  #pid = -1
  #route = 0

  /** Another line begins. */
  begin(lines: ScannedLines, row: number): void {
    lines.latencies[row] = Number.NaN
    lines.services[row] = 0
    lines.statuses[row] = 0
    this.flags = 0
    this.#seen = 0
    this.#instance = 0
    this.#host = 0
    this.#pid = -1
    this.#route = 0
    this.failure.clear()
  }

  /** Whether a known key is there for the first time. */
  isFirst(key: number): boolean {
    const bit = 1 << key
    if ((this.#seen & bit) !== 0 || key === KEY.odd) return false
    this.#seen |= bit
    return true
  }

  /** The known keys so far, a bit each. */
  get seen(): number {
    return this.#seen
  }

  /** Takes the values of a run that begins at `start`. Returns false if one of its keys was there before. */
  take(run: RunFields, start: number, lines: ScannedLines, row: number): boolean {
    if ((this.#seen & run.seen) !== 0) return false
    this.#seen |= run.seen
    this.flags |= run.flags
    if ((run.seen & VALUED) === 0) return true
    if (run.service !== 0) lines.services[row] = run.service
    if (run.status !== 0) lines.statuses[row] = run.status
    if (run.route !== 0) {
      this.#route = run.route
      this.failure.routeStart = start + run.routeStart
      this.failure.routeEnd = start + run.routeEnd
    }
    if (run.instance !== 0) this.#instance = run.instance
    if (run.host !== 0) this.#host = run.host
    if (run.pid !== -1) this.#pid = run.pid
    return true
  }

  /** Returns what a run that began at `start` meant, after the keys and flags before it. */
  runSince(start: number, seenBefore: number, flagsBefore: number, lines: ScannedLines, row: number): RunFields {
    const seen = this.#seen & ~seenBefore
    const of = <Value>(key: number, value: Value, none: Value): Value => ((seen & (1 << key)) === 0 ? none : value)
    const route = of(KEY.route, this.#route, 0)
    // One literal: runs of different layouts take twice as long to look through.
    return {
      seen,
      flags: this.flags & ~flagsBefore,
      service: of(KEY.service, lines.services[row] ?? 0, 0),
      route,
      instance: of(KEY.instance, this.#instance, 0),
      host: of(KEY.hostname, this.#host, 0),
      status: of(KEY.status_code, lines.statuses[row] ?? 0, 0),
      pid: of(KEY.pid, this.#pid, -1),
      routeStart: route === 0 ? 0 : this.failure.routeStart - start,
      routeEnd: route === 0 ? 0 : this.failure.routeEnd - start,
    }
  }

  /** Reads a number. Returns where it ends. */
  readNumber(bytes: Buffer, at: number, key: number, lines: ScannedLines, row: number): number {
    const end = this.#numbers.read(bytes, at)
    if (end === IN_DOUBT) return IN_DOUBT
    const { value } = this.#numbers
    if (key === KEY.latency_ms) lines.latencies[row] = value
    else if (key === KEY.pid) {
      if (value > 0xffff_ffff || !Number.isInteger(value)) return IN_DOUBT
      this.#pid = value
    } else {
      if (value < 100 || value > 599 || !Number.isInteger(value)) return IN_DOUBT
      if (value >= 400) this.flags |= IS_FAILED
      lines.statuses[row] = value
    }
    return end
  }

  /** Reads an id. Returns where it ends. A dash or an empty text is none. */
  readId(bytes: Buffer, view: DataView, start: number, hashes: Int32Array, row: number, flag: number): number {
    const end = this.#texts.read(bytes, view, start) | 0
    if (end === IN_DOUBT) return IN_DOUBT
    if (end === start || (end - start === 1 && bytes[start] === DASH)) return end + 1
    hashes[row] = this.#texts.hash
    this.flags |= flag
    return end + 1
  }

  /** Reads a name. Returns where it ends, if there is a number for it. */
  readName(bytes: Buffer, view: DataView, start: number, key: LineKey, lines: ScannedLines, row: number): number {
    const known = key.known(view, start)
    if (known !== undefined) {
      const end = start + known.text.length
      this.#take(key.number, known.number, lines, row, start, end - 1)
      return end
    }
    const name = this.#texts
    const end = name.read(bytes, view, start)
    if (end === IN_DOUBT) return IN_DOUBT
    // An empty text is no value.
    if (end === start) return key.number === KEY.instance ? IN_DOUBT : end + 1
    const number = this.#numberOf(bytes, view, key.number, name)
    if (number === undefined) return IN_DOUBT
    key.learn(bytes, view, start, end, number)
    this.#take(key.number, number, lines, row, start, end)
    return end + 1
  }

  /** Whether the line has all that makes it a request in escudo's format. Fills the rest of its row. */
  finish(bytes: Buffer, view: DataView, lines: ScannedLines, row: number): boolean {
    if ((this.#seen & NEEDED) !== NEEDED || lines.statuses[row] === 0) return false
    let route = this.#route
    const { pathStart, pathEnd } = this.failure
    if (route === 0 && pathEnd > pathStart) {
      const isRead = this.#texts.read(bytes, view, pathStart) !== IN_DOUBT
      route = isRead ? this.names.path(bytes, view, this.#texts) : 0
      if (route === 0) return false
    }
    let instance = 0
    if (this.#pid !== -1 || this.#instance !== 0) {
      instance = this.names.instance(this.#instance, this.#host, this.#pid)
      if (instance === 0) return false
    }
    const latencyMs = lines.latencies[row] ?? Number.NaN
    lines.buckets[row] = Number.isNaN(latencyMs) ? 0 : LatencyHistogram.bucketOf(latencyMs)
    lines.routes[row] = Math.abs(route)
    lines.instances[row] = instance
    lines.flags[row] = route < 0 ? this.flags | IS_PROBE : this.flags
    return true
  }

  /** Returns the number of a name; undefined if there is no room. */
  #numberOf(bytes: Buffer, view: DataView, key: number, name: Name): number | undefined {
    const { names } = this
    if (key === KEY.log_level) {
      const isCritical = names.isCritical(bytes, view, name)
      return isCritical === undefined ? undefined : Number(isCritical)
    }
    if (key === KEY.service) return names.service(bytes, view, name) || undefined
    if (key === KEY.error_code) return names.code(bytes, view, name) || undefined
    return (key === KEY.route ? names.route(bytes, view, name) : names.instanceText(bytes, view, name)) || undefined
  }

  #take(key: number, number: number, lines: ScannedLines, row: number, start: number, end: number): void {
    if (key === KEY.service) lines.services[row] = number
    else if (key === KEY.route) {
      this.#route = number
      this.failure.routeStart = start
      this.failure.routeEnd = end
    } else if (key === KEY.error_code) this.failure.code = number
    else if (key === KEY.instance) this.#instance = number
    else if (key === KEY.hostname) this.#host = number
    else if (number === 1) this.flags |= IS_CRITICAL
  }
}
