import { isError } from '../../errors/safe-read.ts'
import type { KoaApplication, KoaContext } from './application.ts'

type Listener = (this: KoaApplication, error: Error, context: KoaContext) => void

/**
 * Tells the application's listeners of `error` about an error, as Koa does. Tools that collect errors listen there.
 *
 * Koa's own listener is left out: it prints the error, which is logged already.
 */
export function emitError(context: KoaContext, thrown: unknown): void {
  const { app } = context
  const listeners = app.rawListeners('error').filter((listener) => originalOf(listener) !== app.onerror)
  if (listeners.length === 0) return
  // Listeners expect an Error.
  const error = isError(thrown) ? thrown : new Error('a middleware threw what is no Error', { cause: thrown })
  for (const listener of listeners) {
    try {
      ;(listener as Listener).call(app, error, context)
    } catch (failure) {
      // The client has its answer. What a listener throws must not change that.
      process.emitWarning(`a listener of the Koa event 'error' threw ${String(failure)}`, { code: 'ESCUDO_LISTENER' })
    }
  }
}

/** A listener that was added with `once` is inside a function that removes it. */
function originalOf(listener: unknown): unknown {
  return (listener as { readonly listener?: unknown }).listener ?? listener
}
