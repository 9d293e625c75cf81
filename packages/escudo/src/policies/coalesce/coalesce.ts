import type { Binding } from '../../core/binding.ts'
import { scopeOf } from '../../core/engine/call.ts'
import type { Run } from '../../core/operation.ts'
import { checkedName, knownKeys } from '../../core/options/options.ts'
import { type Policy, type PolicyStatus, unbound } from '../../core/policy.ts'
import { detachedRoot, runDetached } from '../shared/flight/detached-call.ts'
import { Flight } from '../shared/flight/flight.ts'
import { checkShareable, keyMissing } from '../shared/flight/shareable.ts'

/** Options of {@link coalesce}. */
export interface CoalesceOptions {
  /** Default: `coalesce`. */
  readonly name?: string
}

/**
 * Runs an operation once for all who ask for the same thing at the same time: calls with the same key, which every call
 * must bring (`run(operation, { key })`), wait for one flight, and all get its value or its error.
 *
 * The flight is nobody's own: each caller leaves it at once with his abort, his deadline or a timeout around him, and the
 * others wait on. When the last has left, its operation's signal aborts, and who comes then begins a new one. Put what
 * limits the work, such as timeout and retry, inside. Remembers nothing: put a {@link cache} around it. There are as many
 * flights as keys that are asked for at the same time, and no more than calls under way. Semantics after Go's
 * `singleflight`, with cancellation by count.
 *
 * A call for the key of the very flight that it is made in would wait for itself for ever; it is rejected with an error
 * that says so, where the runtime follows asynchronous calls. All get the same object: do not change it. What only one
 * could read, a `Response` above all, is refused with a `TypeError`: read it inside of the operation.
 *
 * @typeParam R what the operations give, where it is to be checked; all operations under one key must give the same
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { coalesce, shield } from 'escudo'
 *
 * const users = shield('users', coalesce())
 * let calls = 0
 * const load = () => users.run(async () => ({ id: 7, call: (calls += 1) }), { key: 'user 7' })
 * const [one, other] = await Promise.all([load(), load()])
 * console.log(one === other, calls) // true 1
 * ```
 */
export function coalesce<R = unknown>(options: CoalesceOptions = {}): Policy<R, never, string> {
  return new CoalescePolicy(options)
}

class CoalescePolicy<R> implements Policy<R, never, string> {
  readonly name: string
  readonly type = 'coalesce'
  readonly settings = {}
  readonly #flights = new Map<string, Flight>()
  #joined = 0

  constructor(options: CoalesceOptions) {
    knownKeys(options, 'coalesce', ['name'])
    this.name = checkedName(options.name ?? 'coalesce', 'coalesce.name')
  }

  status(): PolicyStatus {
    let waiting = 0
    for (const flight of this.#flights.values()) waiting += flight.waiting
    return { flights: this.#flights.size, waiting, joined: this.#joined }
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const flights = this.#flights
    return (call, operation) => {
      const { key } = call
      if (typeof key !== 'string') return Promise.reject(keyMissing(binding))
      const cut = scopeOf(call)?.cancellation
      if (cut !== undefined) return Promise.reject(cut.reason)
      const present = flights.get(key)
      if (present !== undefined) {
        if (present.wouldWaitForItself) return Promise.reject(waitsForItself(binding))
        this.#joined += 1
        return present.join(call) as never
      }
      const flight = new Flight(() => flights.delete(key))
      flights.set(key, flight)
      const landing = flight.join(call)
      const root = detachedRoot(call)
      void flight.run(async () => {
        const value = await runDetached(next, call, flight, operation, root)
        checkShareable(value, binding)
        return value
      }, root)
      return landing as never
    }
  }
}

function waitsForItself({ shield, policy }: Binding): Error {
  return new Error(
    `shield '${shield}': a call would wait for itself: it is made inside of an operation that the policy '${policy}' cannot end before the operation under the call's own key, and that one waits for this; use another key, or call the function without the shield`,
  )
}
