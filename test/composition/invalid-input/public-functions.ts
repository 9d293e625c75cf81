import * as escudo from 'escudo'
import * as errors from 'escudo/errors'
import * as fastify from 'escudo/fastify'
import * as http from 'escudo/http'
import * as openapi from 'escudo/openapi'
import * as pino from 'escudo/pino'
import * as telemetry from 'escudo/telemetry'
import * as testing from 'escudo/testing'

export const noop = (): void => {}
const { SOLD_OUT } = errors.defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
export const catalogue = { SOLD_OUT }
const contract = errors.createErrorContract({ service: 's', errors: catalogue })
const info = { title: 'The shop', version: '1' }
const logger = { debug: noop, info: noop, warn: noop, error: noop, fatal: noop }
export const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } }
const trip = escudo.consecutive(1)
const saved = { state: 'open', remainingMs: 1, openedAgoMs: 1, openings: 1, failures: 1, calls: 1 }
const s = escudo.shield('s')

type Options = Readonly<Record<string, unknown>>

interface Entry {
  /** The path that errors begin with. */
  readonly path: string
  readonly call: (options: never) => unknown
  /** Valid options, with every option that has no conflict with another one. */
  readonly options: Options
  /** Whether further options are passed to another library. */
  readonly open?: true
}

/** Every public function that takes an object of options. */
export const FUNCTIONS: readonly Entry[] = [
  {
    path: 'shield',
    call: (o) => escudo.shield(o),
    options: { name: 's', clock: escudo.systemClock, random: Math.random, stacks: true },
  },
  {
    path: 'run',
    call: (o) => s.run(noop, o),
    options: { signal: new AbortController().signal, deadline: '1s', key: 'k', priority: 1 },
  },
  { path: 'wrap', call: (o) => s.wrap(noop, o), options: { key: () => 'k' } },
  {
    path: 'definePolicy',
    call: escudo.definePolicy as never,
    options: { name: 'custom', wrap: (next: unknown) => next },
  },
  {
    path: 'retry',
    call: escudo.retry,
    options: {
      maxRetries: 1,
      backoff: escudo.constant(1),
      classify: () => 'success',
      maxTotal: '1s',
      retryAfter: { max: '1s' },
      budget: escudo.retryBudget(),
      name: 'r',
    },
  },
  { path: 'retry.retryAfter', call: (retryAfter) => escudo.retry({ retryAfter }), options: { max: '1s' } },
  {
    path: 'retryBudget',
    call: escudo.retryBudget,
    options: { ratio: 0.1, minPerSecond: 1, ttl: '10s', per: 'success' },
  },
  { path: 'linear', call: escudo.linear, options: { base: '1s', step: '1s', max: '9s' } },
  { path: 'exponential', call: escudo.exponential, options: { base: '1s', factor: 2, max: '9s', jitter: 'full' } },
  {
    path: 'circuitBreaker',
    call: escudo.circuitBreaker,
    options: {
      trip,
      openFor: '1s',
      halfOpen: {},
      classify: () => 'success',
      mode: 'enforce',
      probe: { operation: noop, every: '1s' },
      ramp: { steps: [0.5], each: '1s' },
      restore: { state: 'closed' },
      name: 'b',
    },
  },
  {
    path: 'circuitBreaker.openFor',
    call: (openFor) => escudo.circuitBreaker({ openFor }),
    options: { base: '1s', factor: 2, max: '9s' },
  },
  {
    path: 'circuitBreaker.halfOpen',
    call: (halfOpen) => escudo.circuitBreaker({ halfOpen }),
    options: { probes: 1, closeAt: 1, lease: '1s' },
  },
  { path: 'circuitBreaker.perKey', call: (perKey) => escudo.circuitBreaker({ perKey }), options: { maxKeys: 1 } },
  {
    path: 'circuitBreaker.probe',
    call: (probe) => escudo.circuitBreaker({ probe }),
    options: { operation: noop, every: '1s' },
  },
  {
    path: 'circuitBreaker.ramp',
    call: (ramp) => escudo.circuitBreaker({ ramp }),
    options: { steps: [0.5], each: '1s' },
  },
  { path: 'circuitBreaker.restore', call: (restore) => escudo.circuitBreaker({ restore }), options: saved },
  { path: 'failureRate', call: escudo.failureRate, options: { threshold: 0.5, window: '1s', minimumCalls: 1 } },
  { path: 'failureRate.window', call: (window) => escudo.failureRate({ window }), options: { calls: 100 } },
  {
    path: 'slowCallRate',
    call: escudo.slowCallRate,
    options: { threshold: 0.5, slowerThan: '1s', window: '1s', minimumCalls: 1 },
  },
  { path: 'timeout', call: (o) => escudo.timeout('1s', o), options: { name: 't' } },
  {
    path: 'bulkhead',
    call: escudo.bulkhead,
    options: { limit: 1, queue: 1, maxWait: '1s', order: 'fifo', perKey: {}, name: 'b' },
  },
  { path: 'bulkhead.perKey', call: (perKey) => escudo.bulkhead({ limit: 1, perKey }), options: { maxKeys: 1 } },
  {
    path: 'rateLimiter',
    call: escudo.rateLimiter,
    options: { limit: 1, per: '1s', algorithm: 'tokenBucket', burst: 1, maxWait: 1, perKey: {}, name: 'r' },
  },
  {
    path: 'adaptiveLimiter',
    call: escudo.adaptiveLimiter,
    options: { algorithm: escudo.vegas(), min: 1, max: 9, initial: 2, name: 'a' },
  },
  { path: 'aimd', call: escudo.aimd, options: { timeout: '1s', backoffRatio: 0.9 } },
  { path: 'vegas', call: escudo.vegas, options: { smoothing: 0.5 } },
  { path: 'gradient2', call: escudo.gradient2, options: { rttTolerance: 2, queueSize: 4, smoothing: 0.5 } },
  { path: 'adaptiveThrottle', call: escudo.adaptiveThrottle, options: { k: 2, window: '1s', name: 'a' } },
  {
    path: 'hedge',
    call: escudo.hedge,
    options: { after: '1s', maxHedges: 1, budget: escudo.retryBudget(), unsafe: true, name: 'h' },
  },
  {
    path: 'hedge.after',
    call: (after) => escudo.hedge({ after }),
    options: { quantile: 0.9, initial: '1s', window: '10s' },
  },
  { path: 'fallback', call: (o) => escudo.fallback(1, o), options: { when: () => true, name: 'f' } },
  {
    path: 'cache',
    call: escudo.cache,
    options: { ttl: '1s', staleWhileRevalidate: '1s', staleIfError: '1s', maxEntries: 1, name: 'c' },
  },
  { path: 'coalesce', call: escudo.coalesce, options: { name: 'c' } },
  {
    path: 'standardShield',
    call: (o) => escudo.standardShield('s', o),
    options: {
      bulkhead: { limit: 1 },
      rateLimiter: { limit: 1, per: '1s' },
      totalTimeout: '1m',
      retry: {},
      circuitBreaker: {},
      attemptTimeout: '1s',
    },
  },
  {
    path: 'createErrorContract',
    call: errors.createErrorContract,
    options: { service: 's', errors: catalogue, locale: 'es', docsUrl: 'https://x', map: [], trustInbound: true },
  },
  {
    path: 'defineErrors.SOLD_OUT',
    call: (entry) => errors.defineErrors({ SOLD_OUT: entry }),
    options: {
      status: 409,
      code: 'SOLD',
      kind: 'business',
      message: 'Sold out.',
      context: schema,
      retry: 'never',
      level: 'info',
    },
  },
  {
    path: 'resilientFetch',
    call: http.resilientFetch,
    options: {
      name: 'x',
      baseUrl: 'http://x',
      shield: s,
      errors: 'throw',
      fetch,
      retryBody: { maxBytes: 1 },
      idempotencyKey: true,
      template: noop,
      deadlineHeader: 'x-left',
      maxOrigins: 1,
    },
  },
  {
    path: 'resilientFetch.retryBody',
    call: (retryBody) => http.resilientFetch({ name: 'x', retryBody }),
    options: { maxBytes: 1 },
  },
  {
    path: 'createMetrics',
    call: (o) => telemetry.createMetrics(o).close(),
    options: { maxSeries: 10, exemplars: false },
  },
  {
    path: 'createLogger',
    call: pino.createLogger,
    options: { service: 's', level: 'silent', stdout: false, redact: ['a.b'], sink: { write: noop } },
  },
  {
    path: 'faults',
    call: (o) => testing.faults([], o),
    options: { seed: 1, clock: escudo.systemClock, maxInjections: 1 },
  },
  {
    path: 'faults.wrap',
    call: (target) => testing.faults([]).wrap(noop, target),
    options: { name: 'x', method: 'GET', path: '/' },
  },
  { path: 'faults.fetch', call: (target) => testing.faults([]).fetch(fetch, target), options: { name: 'x' } },
  { path: 'faults.middleware', call: (target) => testing.faults([]).middleware(target), options: { name: 'x' } },
  {
    path: 'plan[0]',
    call: (rule) => testing.faults([rule]),
    options: { match: {}, fault: { status: 503 }, from: 0, for: '1s', every: '2s' },
  },
  {
    path: 'plan[0].match',
    call: (match) => testing.faults([{ match, fault: { status: 503 } }]),
    options: { name: 'x', method: 'GET', path: '/', nth: 1, after: 0, rate: 1 },
  },
  {
    path: 'plan[0].fault',
    call: (fault) => testing.faults([{ fault }]),
    options: { latencyMs: 1, jitterMs: 1, status: 503, error: 'reset', body: 'stall', times: 1 },
  },
  {
    path: 'faultSwitch',
    call: testing.faultSwitch,
    options: { path: '/x', spare: ['/y'], seed: 1, clock: escudo.systemClock },
  },
  {
    path: 'contractOptions',
    call: (o) => fastify.contractOptions(contract, o),
    options: { logger, bodyLimit: 1, requestTimeoutMs: 0, http: {} },
  },
  {
    path: 'openapiDocument',
    call: openapi.openapiDocument,
    options: { contract, info, routes: [], servers: [], security: {}, tags: [] },
  },
  {
    path: 'openapiDocument.security.login',
    call: (login) => openapi.openapiDocument({ contract, info, routes: [], security: { login } }),
    options: { scheme: {}, errors: ['SOLD_OUT'] },
  },
  {
    path: 'documentErrors',
    call: (o) => openapi.documentErrors({ openapi: '3.1.0', info, paths: {} }, o),
    options: { contract, security: {}, routes: [], parsesEveryBody: true },
  },
  {
    path: 'errorPages',
    call: openapi.errorPages,
    options: { contract, format: 'markdown', library: true },
  },
  {
    path: 'route',
    call: (o) => fastify.route(o, noop),
    options: {
      body: schema,
      params: schema,
      query: schema,
      headers: schema,
      errors: ['SOLD_OUT'],
      response: schema,
      summary: 'x',
      tags: ['x'],
      security: 'login',
    },
    open: true,
  },
]

/** Returns the error that a function throws or rejects with. */
export async function errorOf(make: () => unknown): Promise<unknown> {
  try {
    await make()
  } catch (error) {
    return error
  }
  return 'no error'
}
