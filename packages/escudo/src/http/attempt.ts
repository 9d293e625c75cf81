import { type Cancellation, Watcher } from '../core/engine/cancel-scope.ts'
import type { AttemptTelemetry } from './attempt-telemetry.ts'
import type { Upload } from './request/upload.ts'
import type { BodyStream } from './response/body-stream.ts'

/** Watches the cancel scope of one attempt, so that a cancellation ends its own body and no other. */
export class Attempt extends Watcher {
  body: BodyStream | undefined
  /** The body stream of the request, if it has one. */
  upload: Upload | undefined
  telemetry: AttemptTelemetry | undefined
  readonly #cancelled: (cancellation: Cancellation, body: BodyStream | undefined) => void

  constructor(cancelled: (cancellation: Cancellation, body: BodyStream | undefined) => void) {
    super()
    this.#cancelled = cancelled
  }

  override onCancel(cancellation: Cancellation): void {
    this.#cancelled(cancellation, this.body)
    this.upload?.cancel(cancellation.reason)
    // Reported now: a `fetch` that ignores its signal may return much later, or never.
    this.telemetry?.cancelled(cancellation)
  }
}
