/** The most failed requests of one batch. A scan ends once there is no room for another one. */
export const FAILURES_MAX = 4_096

const BYTES_PER_FAILURE = 40

/** The size of the memory for the failed requests of a batch. */
export const FAILURES_BYTES: number = FAILURES_MAX * BYTES_PER_FAILURE

/** What the line of a failed request calls its kind. */
export const KIND_BUSINESS = 1
export const KIND_TECHNICAL = 2

/** What is known of failed requests only, in the order of their rows. Texts are where they begin and end; 0 for none. */
export class ScannedFailures {
  count = 0
  readonly traceStarts: Int32Array
  readonly traceEnds: Int32Array
  readonly spanStarts: Int32Array
  readonly spanEnds: Int32Array
  /** The path, or the route if the line has no path. */
  readonly pathStarts: Int32Array
  readonly pathEnds: Int32Array
  readonly messageStarts: Int32Array
  readonly messageEnds: Int32Array
  /** Numbers of error codes, 0 for none. */
  readonly codes: Uint16Array
  /** {@link KIND_BUSINESS}, {@link KIND_TECHNICAL}, or 0 if the line does not say it. */
  readonly kinds: Uint8Array

  /** `memory` has {@link FAILURES_BYTES} from `start` on. */
  constructor(memory: ArrayBufferLike, start: number) {
    let used = start
    const next = (bytes: number): number => {
      used += bytes * FAILURES_MAX
      return used - bytes * FAILURES_MAX
    }
    const integers = (): Int32Array => new Int32Array(memory, next(4), FAILURES_MAX)
    this.traceStarts = integers()
    this.traceEnds = integers()
    this.spanStarts = integers()
    this.spanEnds = integers()
    this.pathStarts = integers()
    this.pathEnds = integers()
    this.messageStarts = integers()
    this.messageEnds = integers()
    this.codes = new Uint16Array(memory, next(2), FAILURES_MAX)
    this.kinds = new Uint8Array(memory, next(1), FAILURES_MAX)
  }
}
