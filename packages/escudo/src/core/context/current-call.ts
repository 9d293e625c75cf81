import type { Call } from '../engine/call.ts'
import { asyncStorage } from './ambient.ts'

const storage = asyncStorage<Call>()
// Where the runtime has no asynchronous storage: right until the wrapped function's first `await`.
let synchronous: Call | undefined

/**
 * The call that runs the function which a shield has wrapped: for its `signal`, its `attempt`, its `deadline`.
 *
 * @returns undefined outside of a function made by `shield.wrap`
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

/** Runs `body` so that {@link currentCall} gives `call` within. */
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
