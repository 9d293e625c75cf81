import { SLACK_BYTES } from './words.ts'

/** The most bytes of one block. */
export const SCANNED_BLOCK_BYTES_MAX = 1_048_576
/** The memory for the bytes of one block. */
export const BLOCK_MEMORY_BYTES: number = SCANNED_BLOCK_BYTES_MAX + SLACK_BYTES

/** The memory that a worker fills, and its reader reads. Only one of them has it at a time. */
export interface Slot {
  /** {@link BLOCK_MEMORY_BYTES} */
  readonly bytes: SharedArrayBuffer
  /** `SCANNED_BYTES` for the rows. */
  readonly rows: SharedArrayBuffer
}

/** Asks a worker to read and scan complete lines. */
export interface ScanJob {
  readonly slot: number
  /** The descriptor of the open file: all threads of a process share it. */
  readonly fd: number
  readonly offset: number
  readonly length: number
}

/** What a worker found. */
export interface ScanResult {
  readonly slot: number
  /** The number of rows; -1 if the bytes could not be read. */
  readonly count: number
  /** How many of the rows are failed requests. */
  readonly failures: number
  /** How many bytes were looked at. */
  readonly end: number
  /** The names that are new since the last result, in the order of their numbers. */
  readonly services: readonly string[]
  readonly routes: readonly string[]
  readonly instances: readonly string[]
  readonly codes: readonly string[]
}
