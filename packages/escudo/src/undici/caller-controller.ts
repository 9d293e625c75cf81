import type { Dispatcher } from 'undici'

/** What a response is read from: pauses and resumes its data, and aborts it. */
export interface ResponseSource {
  pause(): void
  resume(): void
  abort(reason: unknown): void
}

/**
 * The controller that the caller's handler receives, for all attempts.
 *
 * It exists before any attempt does, so that the handler can also abort a call that waits in a queue or before a retry.
 */
export class CallerController implements Dispatcher.DispatchController {
  // Declared here and assigned in the constructor: see Watcher.
  declare aborted: boolean
  declare paused: boolean
  declare reason: Error | null
  declare rawHeaders: NonNullable<Dispatcher.DispatchController['rawHeaders']> | null
  declare rawTrailers: NonNullable<Dispatcher.DispatchController['rawTrailers']> | null
  /** The response that is passed on to the handler. */
  declare source: ResponseSource | undefined
  declare private readonly onAbort: { aborted(reason: unknown): void }

  constructor(onAbort: { aborted(reason: unknown): void }) {
    this.aborted = false
    this.paused = false
    this.reason = null
    this.rawHeaders = null
    this.rawTrailers = null
    this.source = undefined
    this.onAbort = onAbort
  }

  pause(): void {
    this.paused = true
    this.source?.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.source?.resume()
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.onAbort.aborted(reason)
  }
}
