import { type Json, text } from '../log-fields.ts'
import type { LogLine } from '../log-line.ts'

/** The most requests of which earlier lines are remembered. */
const OPEN_MAX = 5_000

/** What the earlier lines of a request said. */
export interface Open {
  method: string | undefined
  path: string | undefined
  message: string | undefined
  errorCode: string | undefined
}

/**
 * Adds to the line that counts a request what its earlier lines said.
 *
 * Fastify logs the path in one line, the error in a second and the status in a third; `reqId` ties them together.
 */
export class RequestJoin {
  readonly #open = new Map<string, Open>()

  /** The requests of which earlier lines are remembered. */
  get state(): ReadonlyMap<string, Open> {
    return this.#open
  }

  /** Takes the requests of a {@link state}. */
  restore(open: ReadonlyMap<string, Open>): void {
    for (const [key, one] of open) this.#open.set(key, one)
  }

  /** Returns the line, complete if it counts a request. Remembers any other line of a request. */
  complete(line: LogLine, fields: Json): LogLine {
    const id = text(fields['reqId'])
    if (id === undefined) return line
    const key = `${line.instance ?? ''}\u0000${id}`
    const known = this.#open.get(key)
    if (line.isRequest) {
      if (known === undefined) return line
      this.#open.delete(key)
      const hasError = (line.status ?? 0) >= 400
      return {
        ...line,
        method: line.method ?? known.method,
        path: line.path ?? known.path,
        message: (hasError ? known.message : undefined) ?? line.message,
        errorCode: line.errorCode ?? known.errorCode,
      }
    }
    const isError = line.level === 'error' || line.level === 'critical'
    this.#remember(key, {
      method: line.method ?? known?.method,
      path: line.path ?? known?.path,
      message: (isError ? line.message : undefined) ?? known?.message,
      errorCode: line.errorCode ?? known?.errorCode,
    })
    return line
  }

  #remember(key: string, open: Open): void {
    if (this.#open.size >= OPEN_MAX)
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest)
        break
      }
    this.#open.set(key, open)
  }
}
