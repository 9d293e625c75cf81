/**
 * Returns the reason of an aborted signal.
 *
 * The signal of an old runtime or a polyfill may have none. A call must not reject with undefined, so it gets the error
 * that a signal of the platform would have.
 */
export function abortReason(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason
  return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason
}
