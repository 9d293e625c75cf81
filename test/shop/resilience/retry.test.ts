import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Line, linesOf } from '../helpers/logs.ts'
import { type Answer, ask, clearFault, setFault } from '../helpers/requests.ts'
import { openServices } from '../helpers/services.ts'
import { factsOf, traceOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.4: a retry for a dependency that fails most of the time.

let all: Target

beforeAll(async () => {
  all = await openServices(['potion-shop', 'flaky-service'])
})
afterEach(() => clearFault(all, 'flaky-service'))
afterAll(cleanUp)

const call = (path = '/call-service'): Promise<Answer> => ask(all, 'potion-shop', path)

async function linesAfter(answer: Answer, event: string): Promise<readonly Line[]> {
  return (await linesOf(all, 'potion-shop', traceOf(answer))).filter((line) => line['event'] === event)
}

/** Waits until this many requests of a trace have reached the flaky service, and checks that there are no more. */
async function expectRequests(answer: Answer, count: number): Promise<void> {
  const isRequest = (line: Line): boolean => line['event'] === 'http.request'
  const areAll = (_: Line, __: number, lines: readonly Line[]): boolean => lines.filter(isRequest).length >= count
  const lines = await linesOf(all, 'flaky-service', traceOf(answer), areAll)
  expect(lines.filter(isRequest)).toHaveLength(count)
}

async function expectThreeAttempts(answer: Answer): Promise<void> {
  expect(factsOf(answer)).toEqual([
    503,
    'UPSTREAM_UNAVAILABLE',
    'Servicio no disponible después de varios intentos',
    { attempts: 3 },
  ])
  expect(await linesAfter(answer, 'http_error')).toMatchObject([{ log_level: 'error', error_kind: 'technical' }])
  const retries = await linesAfter(answer, 'retry.attempt')
  expect(retries).toMatchObject([
    { log_level: 'warning', attempt: 1 },
    { log_level: 'warning', attempt: 2 },
  ])
  await expectRequests(answer, 3)
}

test.each(['/call-service', '/call-service/'])('4.4a: GET %s returns the answer of the service', async (path) => {
  await setFault(all, 'flaky-service', { rate: 0 })
  const answer = await call(path)
  expect([answer.status, answer.json]).toEqual([200, { result: { message: 'Service OK' } }])
  await expectRequests(answer, 1)
})

test('4.4a: retries a failure and logs each retry with its attempt and delay', async () => {
  await setFault(all, 'flaky-service', { status: 503, rate: 0.5 })
  // Half of the attempts fail, so some of many calls succeed after a retry.
  const answers = await Promise.all(Array.from({ length: 24 }, () => call()))
  const retried: number[] = []
  for (const answer of answers.filter(({ status }) => status === 200)) {
    const retries = await linesAfter(answer, 'retry.attempt')
    retries.forEach((line, index) => {
      expect(line).toMatchObject({ log_level: 'warning', attempt: index + 1, shield: 'flaky', policy: 'retry' })
      expect(line['delay_ms']).toBeGreaterThanOrEqual(0)
      expect(line['delay_ms']).toBeLessThanOrEqual(200 * 2 ** index)
    })
    await expectRequests(answer, retries.length + 1)
    retried.push(retries.length)
  }
  expect(retried.some((count) => count > 0)).toBe(true)
  expect(Math.max(...retried)).toBeLessThanOrEqual(2)
})

test.each([408, 425, 429, 500, 502, 503, 504])(
  '4.4b: makes three attempts when the service answers %i',
  async (status) => {
    await setFault(all, 'flaky-service', { status })
    const answer = await call()
    await expectThreeAttempts(answer)
    // Delays of at most 200 and 400 ms between the attempts.
    expect(answer.ms).toBeLessThan(3_000)
  },
)

test('4.4b: makes three attempts when the connection is reset', async () => {
  await setFault(all, 'flaky-service', { error: 'reset' })
  // The service also logs a request that it never answered.
  await expectThreeAttempts(await call())
})

test('4.4b: times out each attempt after two seconds when the service does not answer', async () => {
  await setFault(all, 'flaky-service', { latency_ms: 5_000 })
  const answer = await call()
  await expectThreeAttempts(answer)
  // Three attempts, and delays of at most 200 and 400 ms between them.
  expect(answer.ms).toBeGreaterThan(5_950)
  expect(answer.ms).toBeLessThan(7_000)
})

test.each([400, 401, 403, 404, 409, 422, 501])(
  '4.4b: does not retry a %i, which a retry cannot fix',
  async (status) => {
    await setFault(all, 'flaky-service', { status })
    const answer = await call()
    expect([answer.status, answer.json.error_code]).toEqual([502, 'UPSTREAM_ERROR'])
    await expectRequests(answer, 1)
  },
)

test.each([
  ['/fake_service', 503, 0.7],
  ['/unstable', 500, 0.5],
])('4.4a: by default, %s of the flaky service answers %i to %d of the calls', async (path, status, share) => {
  const answers = await Promise.all(Array.from({ length: 250 }, () => ask(all, 'flaky-service', path)))
  expect(answers.every((answer) => [200, status].includes(answer.status))).toBe(true)
  const failed = answers.filter((answer) => answer.status === status).length / answers.length
  // Five standard deviations.
  expect(Math.abs(failed - share)).toBeLessThan(0.16)
})
