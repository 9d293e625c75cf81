import { discard } from '../../core/engine/discard.ts'
import type { BodyStream } from './body-stream.ts'

// A caller that looks only at the status reads no body and cancels none. It may pass one signal to all its calls.

// Runs a function after its body was garbage collected. Some runtimes have no such registry.
const collected =
  typeof FinalizationRegistry === 'function' ? new FinalizationRegistry<() => void>((release) => release()) : undefined

/**
 * Ends a body when the caller's signal aborts, and frees its connection when its reader has dropped it.
 *
 * The signal gets no listener and does not keep the body: a dependent signal has the listener, and the listener refers
 * to the body weakly.
 */
export function releaseUnread(body: BodyStream, signal: AbortSignal | undefined): void {
  const unlink = signal === undefined ? () => {} : linkTo(signal, weakly(body))
  body.finished.then(unlink, unlink)
  // Must not refer to `body`, which would then never be collected.
  const { source } = body
  collected?.register(body, () => {
    unlink()
    discard(source)
  })
}

type Reference = Pick<WeakRef<BodyStream>, 'deref'>

function weakly(body: BodyStream): Reference {
  return typeof WeakRef === 'function' ? new WeakRef(body) : { deref: () => body }
}

function linkTo(signal: AbortSignal, body: Reference): () => void {
  const dependent = AbortSignal.any([signal])
  const onAbort = (): void => body.deref()?.fail({ reader: dependent.reason, shield: dependent.reason })
  dependent.addEventListener('abort', onAbort)
  if (dependent.aborted) onAbort()
  return () => dependent.removeEventListener('abort', onAbort)
}
