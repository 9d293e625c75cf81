import { batchOf, type LineBatch } from './line-batch.ts'
import type { LineSink } from './line-file.ts'

/** The destinations of one logger, as pino uses one. */
export class Destinations {
  readonly #writers: readonly ((line: string) => void)[]
  readonly #batches: readonly LineBatch[]

  constructor(sinks: readonly LineSink[], intervalMs: number) {
    const batches = new Map(sinks.map((sink) => [sink, batchOf(sink)] as const))
    this.#batches = [...batches.values()].filter((batch) => batch !== undefined)
    for (const batch of this.#batches) batch.useInterval(intervalMs)
    this.#writers = sinks.map((sink) => {
      const batch = batches.get(sink)
      return batch === undefined ? (line) => writeTo(sink, line) : (line) => batch.add(line)
    })
  }

  write(line: string): void {
    for (const write of this.#writers) write(line)
  }

  /** Writes the lines that wait. pino calls it for `log.flush()`. */
  flush(done?: (error?: Error) => void): void {
    this.flushSync()
    done?.()
  }

  /** As {@link flush}. pino calls it after a line at its highest level. */
  flushSync(): void {
    for (const batch of this.#batches) batch.flush()
  }
}

/** A custom destination must not break the code that logs, nor the destinations after it. */
function writeTo(sink: LineSink, line: string): void {
  try {
    sink.write(line)
  } catch {
    // There is no other place to report it.
  }
}
