import type { OpenLog } from './open-log.ts'

/**
 * The state of a followed source.
 *
 * `waiting`: it is not there (yet, or any more). `reading`: it may grow. `read`: it has ended. `same`: it is a file that
 * another path already reads. `unreadable`: it is no file, or reading failed; it is tried again.
 */
export type TailState = 'waiting' | 'reading' | 'read' | 'same' | 'unreadable'

/** Receives what a tail reads. */
export interface TailSink {
  /** A file was opened or was truncated. The bytes that follow belong to `log`. */
  readonly begin: (log: OpenLog) => void
  /** Receives the next bytes; `end` is the offset after them. Copy them to keep them: the buffer is reused. */
  readonly push: (bytes: Buffer, end: number) => void
  /** The file ends. */
  readonly end: (log: OpenLog, how: TailEnd) => void
}

/** How a file ends: another file `replaced` it, it was truncated and `restarted`, or it was `deleted` some time ago. */
export type TailEnd = 'replaced' | 'restarted' | 'deleted'

/** Follows one source of lines. */
export interface Tail {
  readonly path: string
  readonly state: TailState
  /** How many times it was truncated. */
  readonly restarts: number
  /** What went wrong while it was read, for people. */
  readonly note: string | undefined
  /** Reads what was added since the last poll. Never rejects: the next poll tries again. */
  readonly poll: () => Promise<void>
  /** Ends reading of what cannot be read to an end, such as the standard input. */
  readonly close: () => Promise<void>
}
