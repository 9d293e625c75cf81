import type { Dispatcher } from 'undici'
import { DispatchCall } from './dispatch-call.ts'
import type { DispatchClient } from './dispatch-client.ts'
import { DispatchRequest, type RequestOptions } from './dispatch-request.ts'

/**
 * Dispatches a request through the shield of its origin.
 *
 * @param aborter aborts the call for a handler that can abort without a signal. Undefined if only the request's signal,
 * an `AbortSignal`, can abort the call before there is a response
 */
export function dispatchThrough(
  client: DispatchClient,
  options: RequestOptions,
  handler: Dispatcher.DispatchHandler,
  aborter: AbortController | undefined,
): boolean {
  // What follows an upgrade is no response: a shield could neither judge nor repeat it.
  if (options?.upgrade || options?.method === 'CONNECT') return client.dispatch(options, handler)
  // A handler of an older undici, such as that of Node's `fetch`, would never be called: undici itself refuses it.
  if (typeof handler?.onRequestStart !== 'function') return client.dispatch(options, handler)
  try {
    const signal = aborter?.signal ?? ((options.signal ?? undefined) as AbortSignal | undefined)
    const request = new DispatchRequest(client, options, signal)
    new DispatchCall(request, handler, aborter).run(client.settings.shieldFor(request.origin.origin))
  } catch (error) {
    // The origin or an option is invalid.
    if (handler.onResponseError === undefined) throw error
    handler.onResponseError(null as unknown as Dispatcher.DispatchController, error as Error)
  }
  return true
}
