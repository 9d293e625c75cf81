import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ask, clearFault, setFault } from './helpers/requests.ts'
import { cleanUp, linesOf, type System, startSystem, stopSystem } from './helpers/system.ts'

// 4.4: a retry for a dependency that fails most of the time.

let system: System

beforeAll(async () => {
  system = await startSystem({ ESCUDO_FAKE_SERVICE_FAIL_RATE: '0' })
})
afterEach(() => clearFault(system, 'flaky-service'))
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
})

/** Counts the requests of one trace that reached the flaky service. */
async function requestsReceived(traceId: string): Promise<number> {
  const lines = await linesOf(system, 'flaky-service', traceId)
  return lines.filter((line) => line['event'] === 'http.request').length
}

test.each(['/call-service', '/call-service/'])('4.4a: GET %s returns the answer of the service', async (path) => {
  const answer = await ask(system, 'potion-shop', path)
  expect([answer.status, answer.json]).toEqual([200, { result: { message: 'Service OK' } }])
  expect(await requestsReceived(answer.headers.get('x-trace-id') ?? '')).toBe(1)
})

test('4.4a: retries a failure and logs each retry with its attempt and delay', async () => {
  await setFault(system, 'flaky-service', { status: 503, rate: 0.5 })
  // Half of the attempts fail, so some of many calls succeed after a retry.
  const answers = await Promise.all(Array.from({ length: 24 }, () => ask(system, 'potion-shop', '/call-service')))
  const retried: number[] = []
  for (const answer of answers.filter(({ status }) => status === 200)) {
    const lines = await linesOf(system, 'potion-shop', answer.headers.get('x-trace-id') ?? '')
    const retries = lines.filter((line) => line['event'] === 'retry.attempt')
    retries.forEach((line, index) => {
      expect(line).toMatchObject({ log_level: 'warning', attempt: index + 1, shield: 'flaky', policy: 'retry' })
      expect(line['delay_ms']).toBeGreaterThanOrEqual(0)
      expect(line['delay_ms']).toBeLessThanOrEqual(200 * 2 ** index)
    })
    retried.push(retries.length)
  }
  expect(retried.some((count) => count > 0)).toBe(true)
  expect(Math.max(...retried)).toBeLessThanOrEqual(2)
})

test('4.4b: answers 503 with the number of attempts after three failed attempts', async () => {
  await setFault(system, 'flaky-service', { status: 503 })
  const answer = await ask(system, 'potion-shop', '/call-service')
  expect(answer.status).toBe(503)
  expect(answer.json).toMatchObject({
    error_code: 'UPSTREAM_UNAVAILABLE',
    message: 'Servicio no disponible después de varios intentos',
    context: { attempts: 3 },
  })
  expect(await requestsReceived(answer.json.trace_id)).toBe(3)
})

test('4.4b: makes three attempts when the connection is reset', async () => {
  await setFault(system, 'flaky-service', { error: 'reset' })
  const answer = await ask(system, 'potion-shop', '/call-service')
  expect([answer.status, answer.json.error_code, answer.json.context]).toEqual([
    503,
    'UPSTREAM_UNAVAILABLE',
    { attempts: 3 },
  ])
  // The service also logs a request that it never answered.
  expect(await requestsReceived(answer.json.trace_id)).toBe(3)
})

test('4.4b: times out each attempt after two seconds when the service does not answer', async () => {
  await setFault(system, 'flaky-service', { latency_ms: 5_000 })
  const answer = await ask(system, 'potion-shop', '/call-service')
  expect([answer.status, answer.json.error_code, answer.json.context]).toEqual([
    503,
    'UPSTREAM_UNAVAILABLE',
    { attempts: 3 },
  ])
  // Three attempts, and delays of at most 200 and 400 ms between them.
  expect(answer.ms).toBeGreaterThan(5_950)
  expect(answer.ms).toBeLessThan(7_000)
})

test.each([404, 400, 501])('4.4b: does not retry a %i, which a retry cannot fix', async (status) => {
  await setFault(system, 'flaky-service', { status })
  const answer = await ask(system, 'potion-shop', '/call-service')
  expect([answer.status, answer.json.error_code]).toEqual([502, 'UPSTREAM_ERROR'])
  expect(await requestsReceived(answer.json.trace_id)).toBe(1)
})

test('4.4: the service fails seven times out of ten by default', async () => {
  await clearFault(system, 'flaky-service')
  const other = await startSystem({ ESCUDO_SEED: '1' })
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(other, 'flaky-service', '/fake_service')))
  const failed = answers.filter(({ status }) => status === 503).length
  expect(failed / 200).toBeGreaterThan(0.58)
  expect(failed / 200).toBeLessThan(0.82)
  // A fault disables the default failures, even a fault with rate 0.
  await setFault(other, 'flaky-service', { rate: 0 })
  const calm = await Promise.all(Array.from({ length: 50 }, () => ask(other, 'flaky-service', '/fake_service')))
  expect(calm.every(({ status }) => status === 200)).toBe(true)
  await stopSystem(other)
})
