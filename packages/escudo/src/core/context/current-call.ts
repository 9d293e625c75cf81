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

/** Runs `body`. Inside it, {@link currentCall} returns `call`. */
export function withCurrentCall<T>(call: Call, body: () => T): T {
  if (storage !== undefined) return storage.run(call, body)
  const outer = synchronous
  synchronous = call
  try {
    return body()
  } finally {
    synchronous = outer
  }
}
