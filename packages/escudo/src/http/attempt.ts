import { type Cancellation, Watcher } from '../core/engine/cancel-scope.ts'
import type { AttemptTelemetry } from './attempt-telemetry.ts'
import type { Upload } from './request/upload.ts'
import type { ResponseBody } from './response/body-stream.ts'

/** The call of an attempt. */
export interface CallOfAttempt {
  /** Runs before the policies are notified of the cancellation. */
  cancelled(cancellation: Cancellation, body: ResponseBody | undefined): void
}

/** Watches the cancel scope of one attempt, so that a cancellation ends its own body and no other. */
export class Attempt extends Watcher {
  // Declared here and assigned in the constructor: see Watcher.
  declare body: ResponseBody | undefined
  /** The body stream of the request, if it has one. */
  declare upload: Upload | undefined
  declare telemetry: AttemptTelemetry | undefined
  declare private readonly call: CallOfAttempt

  constructor(call: CallOfAttempt) {
    super()
    this.body = undefined
    this.upload = undefined
    this.telemetry = undefined
    this.call = call
  }

  override onCancel(cancellation: Cancellation): void {
    this.call.cancelled(cancellation, this.body)
    this.upload?.cancel(cancellation.reason)
    // Reported now: a `fetch` that ignores its signal may return much later, or never.
    this.telemetry?.cancelled(cancellation)
  }
}
