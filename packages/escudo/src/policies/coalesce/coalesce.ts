import type { Binding } from '../../core/binding.ts'
import { detachedRoot } from '../../core/engine/call-root.ts'
import { runOnCalls } from '../../core/engine/custom-policy.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { Run } from '../../core/operation.ts'
import { type Policy, type PolicyStatus, unbound } from '../../core/policy.ts'
import { runDetached } from '../shared/flight/detached-call.ts'
import { Flight } from '../shared/flight/flight.ts'
import { checkShareable, keyMissing } from '../shared/flight/shareable.ts'
import { type CoalesceOptions, readCoalesceName } from './options.ts'

/**
 * Runs an operation once for concurrent calls with the same key.
 *
 * Every call needs a key: `run(operation, { key })`. The calls wait for one flight, and all receive its value or its
 * error.
 *
 * - The flight belongs to no single caller. Each caller leaves it immediately on its own abort, its deadline or an outer
 *   timeout; the others keep waiting. When the last caller has left, the operation's signal aborts, and the next call
 *   starts a new flight.
 * - Put the policies that limit the work, such as timeout and retry, inside.
 * - It stores nothing: put a {@link cache} outside it.
 * - There are never more flights than calls in flight.
 * - A call inside a flight for the same key would wait for itself forever. It is rejected with an error that says so, if
 *   the runtime follows asynchronous calls (`AsyncLocalStorage`).
 * - All callers get the same object: do not change it. A value that can be read only once, such as a `Response`, is
 *   rejected with a `TypeError`: read it inside the operation.
 *
 * Semantics after Go's `singleflight`, with cancellation when no caller is left.
 *
 * @typeParam R what the operations return, checked at compile time; all operations under one key must return the same
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { coalesce, shield } from 'escudo'
 *
 * const users = shield('users', coalesce())
 * let calls = 0
 * const load = () => users.run(async () => ({ id: 7, call: (calls += 1) }), { key: 'user 7' })
 * const [first, second] = await Promise.all([load(), load()])
 * console.log(first === second, calls) // true 1
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
    this.name = readCoalesceName(options)
  }

  status(): PolicyStatus {
    let waiting = 0
    for (const flight of this.#flights.values()) waiting += flight.waiting
    return { flights: this.#flights.size, waiting, joined: this.#joined }
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const flights = this.#flights
    return runOnCalls((call, operation) => {
      const { key } = call
      if (typeof key !== 'string') return Promise.reject(keyMissing(call, binding))
      const cancellation = call.scope?.cancellation
      if (cancellation !== undefined) {
        addNote(call.root, { policy: binding.policy, state: 'cancelled', endedHere: true })
        return Promise.reject(cancellation.reason)
      }
      const running = flights.get(key)
      if (running !== undefined) {
        if (running.wouldDeadlock) return Promise.reject(waitsForItself(binding))
        this.#joined += 1
        return running.join(call)
      }
      const flight = new Flight(binding.policy, () => flights.delete(key))
      flights.set(key, flight)
      const outcome = flight.join(call)
      const root = detachedRoot(call.root)
      void flight.run(async () => {
        const value = await runDetached(next, call, flight, operation, root)
        checkShareable(value, binding)
        return value
      }, root)
      return outcome
    })
  }
}

function waitsForItself({ shield, policy }: Binding): Error {
  return new Error(
    `shield '${shield}': a call would wait for itself: the policy '${policy}' already runs an operation for this key, and that operation waits for this call, directly or through other flights; use another key, or call the function without the shield`,
  )
}
