import type { Dispatcher } from 'undici'
import type { CallerController } from './caller-controller.ts'
import type { DispatchRequest } from './dispatch-request.ts'
import type { HeldResponse, ResponseHeaders } from './held-response.ts'
import type { StreamedAnswer } from './streamed-answer.ts'

/** An attempt whose response the caller receives. */
export interface Winner {
  /** Settles when the body has ended. */
  readonly settled: Promise<StreamedAnswer>
  /** The caller's handler ended the response that it receives. */
  release(reason: unknown): void
  /** Ends the response. Returns false for one that has ended already. */
  breakOff(reason: unknown): boolean
}

/** What an attempt needs of its call. */
export interface AttemptOwner {
  readonly request: DispatchRequest
  readonly handler: Dispatcher.DispatchHandler
  readonly controller: CallerController
  /** The context that the handler receives: that of the latest attempt. */
  readonly context: object
  /** The attempt whose response the caller receives. Once set, no request is sent. */
  winner: Winner | undefined
  lastError: unknown
  /** Whether the shield has settled. */
  readonly ended: boolean
  /** Tells the handler that its response has ended, as soon as the permits of the call are free. */
  reportEnd(trailers: ResponseHeaders): void
  /** Tells the handler that its response has failed, as soon as the permits of the call are free. */
  reportError(error: unknown): void
  /** Tells the handler that its call was cancelled, as soon as the permits of the call are free. */
  failDelivered(error: unknown): void
  /** Keeps a failed response until the call ends, or until another attempt replaces it. */
  keepFailed(error: unknown, held: HeldResponse): void
}
