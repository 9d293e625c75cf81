import { FAILURES_BYTES, ScannedFailures } from './scanned-failures.ts'

/** The most lines of one batch. */
export const ROWS_MAX = 16_384

/** What a scanned line has, in {@link ScannedLines.flags}. */
export const HAS_TRACE = 1
export const HAS_SPAN = 2
export const HAS_PARENT = 4
export const IS_DEGRADED = 8
export const IS_CRITICAL = 16
/** It is a health check or a scrape. */
export const IS_PROBE = 32
/** Its status is 400 or more: what else is known of it is among the failures. */
export const IS_FAILED = 64

const BYTES_PER_ROW = 50

/** The size of the memory of a batch. */
export const SCANNED_BYTES: number = ROWS_MAX * BYTES_PER_ROW + FAILURES_BYTES

/**
 * What a scanner found in the lines of a block: one row per line, in columns.
 *
 * Only lines without any doubt have a row. The others lie between the rows, and are read by the general reader.
 */
export class ScannedLines {
  /** The number of rows. */
  count = 0
  /** Where each line begins. */
  readonly starts: Int32Array
  /** Where each line ends, without its newline. */
  readonly ends: Int32Array
  /** Milliseconds since 1970. */
  readonly ats: Float64Array
  /** Milliseconds; NaN without a latency. */
  readonly latencies: Float64Array
  /** The bucket of each latency in a histogram; 0 without a latency. */
  readonly buckets: Int16Array
  /** Hashes of ids, as `hashOf` returns them. */
  readonly traces: Int32Array
  readonly spans: Int32Array
  readonly parents: Int32Array
  /** Numbers of names, 0 for none. */
  readonly services: Uint16Array
  readonly routes: Uint16Array
  readonly instances: Uint16Array
  /** 100 to 599. */
  readonly statuses: Uint16Array
  readonly flags: Uint8Array
  readonly failures: ScannedFailures

  /** `memory` has {@link SCANNED_BYTES}. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(SCANNED_BYTES)) {
    let used = 0
    const next = (bytes: number): number => {
      used += bytes * ROWS_MAX
      return used - bytes * ROWS_MAX
    }
    this.ats = new Float64Array(memory, next(8), ROWS_MAX)
    this.latencies = new Float64Array(memory, next(8), ROWS_MAX)
    this.starts = new Int32Array(memory, next(4), ROWS_MAX)
    this.ends = new Int32Array(memory, next(4), ROWS_MAX)
    this.traces = new Int32Array(memory, next(4), ROWS_MAX)
    this.spans = new Int32Array(memory, next(4), ROWS_MAX)
    this.parents = new Int32Array(memory, next(4), ROWS_MAX)
    this.buckets = new Int16Array(memory, next(2), ROWS_MAX)
    this.services = new Uint16Array(memory, next(2), ROWS_MAX)
    this.routes = new Uint16Array(memory, next(2), ROWS_MAX)
    this.instances = new Uint16Array(memory, next(2), ROWS_MAX)
    this.statuses = new Uint16Array(memory, next(2), ROWS_MAX)
    this.flags = new Uint8Array(memory, next(1), ROWS_MAX)
    this.failures = new ScannedFailures(memory, ROWS_MAX * BYTES_PER_ROW)
  }
}
