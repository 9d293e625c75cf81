import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { circuitBreaker, consecutive, constant, retry, shield, timeout } from 'escudo'
import { UpstreamError, type UpstreamFailure } from 'escudo/http'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test } from 'vitest'
import { countFaults, type Fault, type FaultOf, faultOfCall, retryIdempotent, retryUnexecuted } from '../src/fault.ts'
import { httpFault } from '../src/http-fault.ts'
import { networkFault } from '../src/network-fault.ts'
import { postgresFault } from '../src/postgres-fault.ts'
import { redisFault } from '../src/redis-fault.ts'

const withCode = (code: string, syscall?: string): Error => Object.assign(new Error(code), { code, syscall })
const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/recipes/${name}.md`, import.meta.url), 'utf8')

const pageOf: Readonly<Record<string, string>> = { network: 'README', http: 'streams' }
/** An error as `escudo/http` throws it: for a status, or for a failure without a response. */
function statusError(name: string): UpstreamError {
  const target = { service: 's', method: 'GET', origin: 'http://s', template: undefined }
  const failure = /^\d/.test(name) ? 'status' : (name as UpstreamFailure)
  return new UpstreamError('UPSTREAM_ERROR', failure, target, { status: Number(name), facts: {} as never })
}

describe.each<[string, FaultOf, (name: string) => Error]>([
  ['postgresql', (error) => postgresFault(error), (name) => withCode(name.padEnd(5, '0'))],
  ['redis', (error) => redisFault(error), (name) => new Error(`${name} some text`)],
  ['http', httpFault, statusError],
  ['network', (error) => networkFault(error) ?? 'never', (name) => withCode(...(name.split(' ') as [string]))],
])('docs/recipes: the table of %s', (name, faultOf, errorOf) => {
  // A row: | `code`, `code` | fault | reason |
  const rows = [...page(pageOf[name] ?? name).matchAll(/^\| (`[^|]+) \| `(\w+)` \| [^|]+ \|$/gm)]
  const cases = rows.flatMap(([, codes = '', fault = '']) =>
    [...codes.matchAll(/`([^`]+)`/g)].map(([, code = '']): [string, string] => [code, fault]),
  )

  test('has rows', () => expect(cases.length).toBeGreaterThan(7))

  test.each(cases)('%s is %s', (code, fault) => expect(faultOf(errorOf(code))).toBe(fault))
})

test('the page of PostgreSQL or Redis lists every code of its source', () => {
  for (const [source, name] of [
    ['postgres-fault', 'postgresql'],
    ['redis-fault', 'redis'],
  ] as const) {
    const text = readFileSync(new URL(`../src/${source}.ts`, import.meta.url), 'utf8')
    const codes = [...text.matchAll(/^ {2}'?([0-9A-Z]+)'?: '/gm)].map(([, code]) => code)
    expect(codes.length).toBeGreaterThan(15)
    for (const code of codes) expect(page(name)).toMatch(new RegExp(`\`${code}`))
  }
})

describe('networkFault', () => {
  test('judges a refused connection as transient and a reset one as unknown, with real sockets', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    const failure = () =>
      fetch(`http://127.0.0.1:${port}`).then(
        () => undefined,
        (error: Error) => networkFault(error.cause),
      )
    expect(await failure()).toBe('unknown')
    await new Promise((resolve) => server.close(resolve))
    expect(await failure()).toBe('transient')
  })

  test('judges several failed addresses as transient only if none was connected', () => {
    const all = (...errors: Error[]) => Object.assign(new AggregateError(errors), { code: 'ETIMEDOUT' })
    const connecting = withCode('ETIMEDOUT', 'connect')
    expect(networkFault(all(connecting, connecting))).toBe('transient')
    expect(networkFault(all(connecting, withCode('ETIMEDOUT', 'read')))).toBe('unknown')
  })

  test('judges a timeout as unknown and a refusal as transient', async () => {
    const clock = virtualClock()
    const slow = shield({ name: 's', clock }, timeout('1s')).run(() => new Promise(() => {}))
    const failure = slow.catch((error) => error)
    await clock.advance('1s')
    expect(networkFault(await failure)).toBe('unknown')
    const breaker = circuitBreaker()
    const refusing = shield('r', breaker)
    breaker.isolate()
    expect(networkFault(await refusing.run(() => 1).catch((error) => error))).toBe('transient')
  })
})

test.each([postgresFault, redisFault, httpFault])('an unknown error is never retried', (faultOf) => {
  for (const error of [undefined, 'x', new Error('?'), new TypeError('x is not a function'), withCode('EPERM')]) {
    expect(faultOf(error)).toBe('never')
  }
})

test.each<[Fault, string, string, string]>([
  ['transient', 'failure', 'failure', 'failure'],
  ['unknown', 'failure', 'failure', 'ignored'],
  ['caller', 'ignored', 'ignored', 'ignored'],
  ['never', 'failure', 'ignored', 'ignored'],
])('%s: breaker %s, retry of idempotent work %s, of all other work %s', (fault, breaker, idempotent, once) => {
  const verdicts = [countFaults, retryIdempotent, retryUnexecuted].map((make) =>
    make(() => fault)({ ok: false, error: 0 }, undefined as never),
  )
  expect(verdicts).toEqual([breaker, idempotent, once])
})

describe('an operation that contains a shield with a retry', () => {
  const backoff = constant(1)
  /** How often the outer retry runs its operation, in which attempts fail with these codes. */
  async function outerAttempts(codes: readonly string[], classify = retryUnexecuted(networkFault as FaultOf)) {
    const inner = shield('inner', retry({ maxRetries: codes.length - 1, backoff }))
    const outer = shield('outer', retry({ maxRetries: 1, backoff, classify }))
    let runs = 0
    const failure = outer.run(() => {
      let attempt = 0
      runs += 1
      return inner.run(() => Promise.reject(withCode(codes[attempt++] ?? '', 'read')))
    })
    await failure.catch(() => {})
    return runs
  }

  test('is not repeated if any inner attempt may have been executed', async () => {
    expect(await outerAttempts(['ECONNRESET', 'ECONNREFUSED'])).toBe(1)
    expect(await outerAttempts(['ECONNREFUSED', 'ECONNRESET', 'ECONNREFUSED'])).toBe(1)
  })

  test('is repeated if no inner attempt was executed, or if it is idempotent', async () => {
    expect(await outerAttempts(['ECONNREFUSED', 'ENOTFOUND'])).toBe(2)
    expect(await outerAttempts(['ECONNRESET', 'ECONNREFUSED'], retryIdempotent(networkFault as FaultOf))).toBe(2)
  })
})

test('a refused call is unknown if an earlier attempt may have been executed', async () => {
  const faultOf = faultOfCall((error) => networkFault(error) ?? 'never')
  const failure = async (code: string) => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const calls = shield('calls', retry({ maxRetries: 1, backoff: constant(1) }), breaker)
    const first = await calls.run(() => Promise.reject(withCode(code, 'read'))).catch((error) => error)
    const second = await calls.run(() => 1).catch((error) => error)
    return [first.code, faultOf(first), second.code, faultOf(second)]
  }
  expect(await failure('ECONNRESET')).toEqual(['CIRCUIT_OPEN', 'unknown', 'CIRCUIT_OPEN', 'transient'])
  expect(await failure('ECONNREFUSED')).toEqual(['CIRCUIT_OPEN', 'transient', 'CIRCUIT_OPEN', 'transient'])
})
