import type { Call } from '../engine/call.ts'
import { asyncStorage } from './ambient.ts'

const storage = asyncStorage<Call>()
// Used if the runtime has no asynchronous storage. Correct until the first `await` of the wrapped function.
let synchronous: Call | undefined

/**
 * Returns the current call inside a function that `shield.wrap` has wrapped.
 *
 * Use it to read the call's `signal`, `attempt` or `deadline`. In a runtime without `AsyncLocalStorage` it works until
 * the first `await` of the function.
 *
 * @returns undefined outside a wrapped function
 * @example
 * ```ts
 * import { currentCall, shield, timeout } from 'escudo'
 *
 * const inventory = shield('inventory', timeout('2s'))
 * const stockOf = inventory.wrap(async (id: string) => {
 *   currentCall()?.signal.throwIfAborted()
 *   return { id, stock: 42 }
 * })
 * const { stock } = await stockOf('mana-potion')
 * ```
 */
export function currentCall(): Call | undefined {
  return storage === undefined ? synchronous : storage.getStore()
}

/**
 * Runs `body`. Inside it, {@link currentCall} returns `call`.
 *
 * If `body` returns a thenable that is no promise, such as a lazy query, its `then` runs inside too: it starts the work.
 */
export function withCurrentCall<T>(call: Call, body: () => T): T {
  if (storage !== undefined) return storage.run(call, started, body)
  const outer = synchronous
  synchronous = call
  try {
    return started(body)
  } finally {
    synchronous = outer
  }
}

function started<T>(body: () => T): T {
  const result = body()
  if ((typeof result !== 'object' || result === null) && typeof result !== 'function') return result
  // The built-in `then` of a promise starts nothing. A subclass may be lazy.
  if (result instanceof Promise && result.constructor === Promise) return result
  const { then } = result as { then?: unknown }
  if (typeof then !== 'function') return result
  return new Promise((resolve, reject) => then.call(result, resolve, reject)) as T
}
