import { randomUUID } from 'node:crypto'
import { type Listener, notify } from '../core/events/events.ts'
import { checkedName } from '../core/options/options.ts'
import type {
  CircuitOwner,
  PermitsOwner,
  SharedCircuit,
  SharedLimit,
  SharedLimitOptions,
  SharedPermits,
  SharedState,
} from '../core/shared-state.ts'
import { FleetCircuit } from './circuit.ts'
import { script } from './client.ts'
import { Lease, type LeaseContext } from './lease.ts'
import { Link } from './link.ts'
import { type FleetOptions, readFleet } from './options.ts'
import { FleetPermits } from './permits.ts'
import { Presence } from './presence.ts'
import { ORDER } from './scripts/order.ts'
import { type FleetStatus, statusOfBulkhead, statusOfCircuit } from './status.ts'
import { type FleetStore, type StoreOptions, storeOver } from './store.ts'

/** State that the instances of a service share over Redis. Pass it to policies as their option `shared`. */
export interface Fleet extends SharedState {
  /** The name of this instance. */
  readonly instance: string
  /** Returns the circuits and bulkheads of all instances. Never rejects. */
  status(): Promise<FleetStatus>
  /**
   * Isolates a circuit in all instances, also in those that start within the next day, until {@link reset}.
   *
   * @param policy the name of the circuit breaker in its shield; default `circuitBreaker`
   * @throws what the client throws if Redis does not answer
   */
  isolate(shield: string, policy?: string): Promise<void>
  /** Closes a circuit in all instances, and ends {@link isolate}. */
  reset(shield: string, policy?: string): Promise<void>
  /**
   * Opens a store of values that all instances share, such as the second level of a cache.
   *
   * @throws ConfigurationError for an invalid option
   */
  store(options?: StoreOptions): FleetStore
  /** Calls the listener when Redis does not answer any more (`lost`), or answers again. Returns how to unsubscribe. */
  on(event: 'lost' | 'recovered', listener: () => void): () => void
  /** Gives back all permits and leaves the fleet. The policies then act alone. The client stays open. */
  close(): Promise<void>
}

/**
 * Shares limits and circuits between the instances of a service, over Redis.
 *
 * No call waits for Redis, except those of a rate limiter or bulkhead with `exact: true`. While Redis does not answer, each instance
 * acts alone. Every key has a time to live; the clock is that of Redis.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { circuitBreaker, rateLimiter, shield } from 'escudo'
 * import { fleet, type RedisClient } from 'escudo/redis'
 *
 * export function inventoryShield(client: RedisClient) {
 *   const shared = fleet({ client, prefix: 'shop' })
 *   shared.on('lost', () => console.warn('Redis does not answer: this instance acts alone'))
 *   return shield(
 *     'inventory',
 *     rateLimiter({ limit: 1000, per: '1s', shared }),
 *     circuitBreaker({ openFor: '10s', shared, quorum: 0.5 }),
 *   )
 * }
 * ```
 */
export function fleet(options: FleetOptions): Fleet {
  return new RedisFleet(options)
}

const ORDER_SCRIPT = script(ORDER)

class RedisFleet implements Fleet {
  readonly instance: string
  readonly #prefix: string
  readonly #link: Link
  readonly #presence: Presence
  readonly #limits = new Map<string, LeaseContext>()
  /** The leases that have permits to give back. */
  readonly #leases = new Set<Lease>()
  readonly #circuits = new Set<FleetCircuit>()
  readonly #permits = new Set<FleetPermits>()
  readonly #listeners = { lost: new Set<Listener<void>>(), recovered: new Set<Listener<void>>() }

  constructor(options: FleetOptions) {
    const { run, prefix, instance, timeoutMs } = readFleet(options)
    this.instance = instance
    this.#prefix = prefix
    this.#link = new Link(`${prefix}:redis`, run, timeoutMs, (isLost) => this.#changed(isLost))
    this.#presence = new Presence(this.#link, `${prefix}:{instances}`, instance, () => this.#giveBackIdle())
  }

  limit(of: SharedLimitOptions): SharedLimit {
    this.#presence.start()
    const lease = new Lease(this.#contextOf(of), of.key)
    if (of.leased) lease.start(of.clock.now())
    return lease
  }

  circuit(owner: CircuitOwner): SharedCircuit {
    this.#presence.start()
    const circuit = new FleetCircuit(owner, this.#keyOf(owner.shield, owner.policy), this.#link, this.instance)
    this.#circuits.add(circuit)
    return circuit
  }

  permits(owner: PermitsOwner): SharedPermits {
    this.#presence.start()
    const permits = new FleetPermits(owner, {
      link: this.#link,
      key: `${this.#keyOf(owner.shield, owner.policy)}:permits`,
      // A process that starts again under the same name does not have the permits of the one before.
      id: `${this.instance}#${randomUUID().slice(0, 8)}`,
      instances: () => this.#presence.instances,
    })
    this.#permits.add(permits)
    return permits
  }

  async status(): Promise<FleetStatus> {
    await this.#presence.refresh()
    const { instance } = this
    const link = this.#link
    const [circuits, bulkheads] = await Promise.all([
      Promise.all([...this.#circuits].map((circuit) => statusOfCircuit(link, circuit, instance))),
      Promise.all([...this.#permits].map((permits) => statusOfBulkhead(link, permits, instance))),
    ])
    return { instance, instances: this.#presence.instances, connected: !link.isLost, circuits, bulkheads }
  }

  isolate(shield: string, policy?: string): Promise<void> {
    return this.#order(shield, policy, '1')
  }

  reset(shield: string, policy?: string): Promise<void> {
    return this.#order(shield, policy, '0')
  }

  store(options: StoreOptions = {}): FleetStore {
    return storeOver(this.#link, this.#prefix, options)
  }

  on(event: 'lost' | 'recovered', listener: () => void): () => void {
    const listeners = this.#listeners[event]
    if (listeners === undefined) throw new TypeError(`unknown event '${String(event)}', expected 'lost' or 'recovered'`)
    // A new function per subscription: a listener that subscribes twice is called twice.
    const subscription = (): void => listener()
    listeners.add(subscription)
    return () => {
      listeners.delete(subscription)
    }
  }

  async close(): Promise<void> {
    const returned: Promise<unknown>[] = [...this.#leases].map((lease) => lease.giveBackAll())
    this.#leases.clear()
    for (const circuit of this.#circuits) circuit.close()
    this.#circuits.clear()
    for (const permits of this.#permits) returned.push(permits.close())
    this.#permits.clear()
    const left = this.#presence.stop()
    this.#link.close()
    await Promise.all([...returned, left])
  }

  #keyOf(shield: string, policy: string, key?: string): string {
    // One key per script, with its own hash tag, so that the keys of one policy are spread over a cluster.
    const name =
      key === undefined ? encodeURIComponent(shield) : `${encodeURIComponent(shield)}:${encodeURIComponent(key)}`
    return `${this.#prefix}:{${name}}:${policy}`
  }

  #contextOf({ shield, policy, clock, limit, onLoss, onPermits }: SharedLimitOptions): LeaseContext {
    const name = `${encodeURIComponent(shield)}:${policy}`
    const known = this.#limits.get(name)
    if (known !== undefined && known.clock === clock && known.onLoss === onLoss && known.onPermits === onPermits) {
      known.limit = limit
      return known
    }
    const wholeKey = this.#keyOf(shield, policy)
    const context: LeaseContext = {
      clock,
      limit,
      onLoss,
      link: this.#link,
      instances: () => this.#presence.instances,
      ask: (lease, now) => void (lease as Lease).ask(now),
      onPermits,
      // Each call of an exact limit needs its key.
      keyOf: (key) => (key === undefined ? wholeKey : this.#keyOf(shield, policy, key)),
      exactArgs: undefined,
      onLease: (lease) => this.#leases.add(lease),
    }
    this.#limits.set(name, context)
    return context
  }

  #giveBackIdle(): void {
    for (const lease of this.#leases) {
      lease.giveBackIdle()
      if (lease.isSettled) this.#leases.delete(lease)
    }
  }

  async #order(shield: string, policy: string | undefined, isolated: '0' | '1'): Promise<void> {
    const name = checkedName(policy ?? 'circuitBreaker', 'fleet.policy')
    await this.#link.ask(ORDER_SCRIPT, this.#keyOf(checkedName(shield, 'fleet.shield'), name), [isolated])
    for (const circuit of this.#circuits) circuit.ask()
  }

  #changed(isLost: boolean): void {
    for (const listener of [...this.#listeners[isLost ? 'lost' : 'recovered']]) notify(listener, undefined)
  }
}
