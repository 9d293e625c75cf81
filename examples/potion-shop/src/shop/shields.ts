import {
  bulkhead,
  type CircuitBreaker,
  circuitBreaker,
  consecutive,
  exponential,
  failureRate,
  fallback,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'

// One shield for each dependency, made once: what it learnt from the last call decides about the next one.
// The first policy is the outermost.

/** What the shop says of a stock that it could not find out. */
export const UNKNOWN_STOCK = { stock: null, status: 'No se pudo verificar el stock' } as const

/**
 * A dependency that often fails and soon recovers: at most three attempts of two seconds each. The delays between them
 * are random up to a growing limit, so that many callers do not come back in one wave.
 */
export const flaky = shield(
  'flaky',
  retry({ maxRetries: 2, backoff: exponential({ base: '200ms', factor: 2, max: '2s', jitter: 'full' }) }),
  timeout('2s'),
)

/** Opens after three failures in a row, tries again with one call after ten seconds. */
export const externalBreaker = circuitBreaker({
  trip: consecutive(3),
  openFor: '10s',
  halfOpen: { probes: 1, closeAt: 1 },
})

/** No retry here: a breaker with a retry around it would open after fewer requests than its number says. */
export const external = shield('external', externalBreaker, timeout('2s'))

// Two breakers of the same kind, and not one for both: each opens for its own dependency.
const productsBreaker = circuitBreaker({
  trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }),
  openFor: '10s',
})
const inventoryBreaker = circuitBreaker({
  trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }),
  openFor: '10s',
})

/** The shop cannot do without a product: two seconds in total, one retry, then an error. */
export const products = shield(
  'products',
  timeout('2s'),
  retry({ maxRetries: 1, backoff: exponential({ base: '100ms', max: '500ms' }) }),
  productsBreaker,
)

/** The shop can do without a stock: the same, and a substitute in place of an error. */
export const inventory = shield(
  'inventory',
  fallback(UNKNOWN_STOCK),
  timeout('2s'),
  retry({ maxRetries: 1, backoff: exponential({ base: '100ms', max: '500ms' }) }),
  inventoryBreaker,
)

/**
 * Watertight compartments: five calls at work and five waiting for each dependency, the next one is refused at once. The
 * timeout stands inside, so a place is held for as long as the call really takes; it is longer than any call should.
 */
export const compartments = { a: compartment('a'), b: compartment('b'), c: compartment('c') } as const

/** The dependencies that have a compartment. */
export type Compartment = keyof typeof compartments

function compartment(name: string): Shield {
  return shield(`compartment-${name}`, bulkhead({ limit: 5, queue: 5 }), timeout('12s'))
}

/** A shield, and those of its policies that a person may act upon. */
export interface Guard {
  readonly shield: Pick<Shield, 'name' | 'status'>
  readonly breakers: readonly CircuitBreaker[]
}

/** Every shield of the shop, for those who run it. */
export const guards: readonly Guard[] = [
  { shield: flaky, breakers: [] },
  { shield: external, breakers: [externalBreaker] },
  { shield: products, breakers: [productsBreaker] },
  { shield: inventory, breakers: [inventoryBreaker] },
  ...Object.values(compartments).map((shield) => ({ shield, breakers: [] })),
]
