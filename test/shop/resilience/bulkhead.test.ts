import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, formProblem, quantile } from '../helpers/form.ts'
import { readLog } from '../helpers/logs.ts'
import { until } from '../helpers/processes.ts'
import { type Answer, askPort, setFault } from '../helpers/requests.ts'
import { openServices } from '../helpers/services.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.5: three dependencies, each behind a separate bulkhead.

let all: Target

beforeAll(async () => {
  all = await openServices(['flaky-service', 'potion-shop'])
})
afterAll(cleanUp)

const call = (dependency: string, query = ''): Promise<Answer> =>
  askPort(all.ports['potion-shop'], `/bulkhead-demo/${dependency}${query}`)

interface Timed {
  readonly status: number
  readonly code: string | undefined
  readonly ms: number
}

/** Calls over a separate connection, because a connection pool of the client would queue calls before the bulkhead. */
function timedCall(dependency: string, ms: number): Promise<Timed> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const url = `http://127.0.0.1:${all.ports['potion-shop']}/bulkhead-demo/${dependency}?ms=${ms}`
    get(url, { agent: new Agent({ keepAlive: false }) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const status = response.statusCode ?? 0
        const headers = { get: (name: string) => String(response.headers[name] ?? '') }
        expect(formProblem({ status, headers, text })).toBeUndefined()
        resolve({ status, code: codeOf({ status, text }), ms: performance.now() - started })
      })
    }).on('error', reject)
  })
}

test.each(['a', 'b', 'c'])('4.5: dependency %s answers after the requested delay', async (dependency) => {
  const quick = await call(dependency)
  expect([quick.status, quick.json]).toEqual([200, { dependency, ms: 0 }])
  const slow = await call(dependency, '?ms=120')
  expect([slow.status, slow.json]).toEqual([200, { dependency, ms: 120 }])
  expect(slow.ms).toBeGreaterThanOrEqual(118)
})

test.each(['d', 'A', '__proto__', 'constructor', 'toString', '%00', 'a%2F..', 'ñ'])(
  '4.5: answers 404 for the unknown dependency %s',
  async (dependency) => {
    const { status, json } = await call(dependency)
    const context = { dependency: decodeURIComponent(dependency) }
    expect([status, json.error_code, json.context]).toEqual([404, 'DEPENDENCY_NOT_FOUND', context])
  },
)

test.each(['-1', '10001', '1.5', '', '1e3', '0x10', ' 5', '5ms', 'NaN', '99999999999999999999', '5&ms=6'])(
  '4.5: rejects ms=%s: it is not a whole number from 0 to 10000',
  async (ms) => {
    const { status, json } = await call('a', `?ms=${ms}`)
    expect([status, json.error_code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(json.context.errors).toMatchObject([{ in: 'query', pointer: '/ms' }])
  },
)

test('4.5: only the bulkheads limit concurrency: 15 calls, 5 each, take the time of one', async () => {
  const timed = await Promise.all(
    ['a', 'b', 'c'].flatMap((name) => Array.from({ length: 5 }, () => timedCall(name, 800))),
  )
  expect(timed.every(({ status }) => status === 200)).toBe(true)
  // Any connection pool with fewer than 15 connections would make some calls wait for a second round.
  expect(Math.max(...timed.map(({ ms }) => ms))).toBeLessThan(1_500)
})

test('4.5: of 40 slow calls to b, 10 succeed, 30 are rejected immediately; a and c stay fast', async () => {
  const others = async (): Promise<Timed[]> => await Promise.all([timedCall('a', 0), timedCall('c', 0)])
  const before: Timed[] = []
  for (let i = 0; i < 20; i += 1) before.push(...(await others()))

  let isOver = false
  const slowCalls = Promise.all(Array.from({ length: 40 }, () => timedCall('b', 2_000))).finally(() => {
    isOver = true
  })
  const meanwhile: Timed[] = []
  while (!isOver) {
    meanwhile.push(...(await others()))
    await delay(20)
  }
  const calls = await slowCalls
  const served = calls.filter(({ status }) => status === 200).map(({ ms }) => ms)
  const rejected = calls.filter(({ status, code }) => status === 503 && code === 'BULKHEAD_FULL').map(({ ms }) => ms)
  const normal = quantile(
    before.map(({ ms }) => ms),
    0.5,
  )
  const during = meanwhile.map(({ ms }) => ms)
  const summary = (values: readonly number[]): string =>
    `median ${quantile(values, 0.5).toFixed(1)} ms, slowest ${Math.max(...values).toFixed(1)} ms`
  console.log(
    [
      `b: ${served.length} served (${served.map((ms) => (ms / 1_000).toFixed(2)).join(' ')} s)`,
      `b: ${rejected.length} rejected, ${summary(rejected)}`,
      `a and c before: ${before.length} calls, ${summary(before.map(({ ms }) => ms))}`,
      `a and c meanwhile: ${meanwhile.length} calls, ${summary(during)}`,
    ].join('\n'),
  )

  expect(served).toHaveLength(10)
  expect(rejected).toHaveLength(30)
  // Immediately: sooner than any call that holds a permit can return.
  expect(Math.max(...rejected)).toBeLessThan(1_000)
  expect(quantile(rejected, 0.5)).toBeLessThan(500)
  // Two rounds of five: each queued call runs when a permit becomes free.
  const inOrder = [...served].sort((one, other) => one - other)
  expect(inOrder[4]).toBeLessThan(3_000)
  expect(inOrder[5]).toBeGreaterThan(3_900)
  expect(inOrder[9]).toBeLessThan(5_500)
  expect(meanwhile.length).toBeGreaterThan(20)
  expect(meanwhile.every(({ status }) => status === 200)).toBe(true)
  expect(quantile(during, 0.5)).toBeLessThan(normal * 3 + 20)
  expect(Math.max(...during)).toBeLessThan(1_000)

  // All permits are free again.
  expect((await Promise.all(Array.from({ length: 10 }, () => timedCall('b', 0)))).map(({ status }) => status)).toEqual(
    Array.from({ length: 10 }, () => 200),
  )
})

test('4.5: each rejection logs an error line; one summary counts them', async () => {
  // Refusals themselves are logged at debug, which the shop does not write.
  const summary = await until(
    'the summary of the rejections',
    async () => (await readLog(all, 'potion-shop')).find((line) => line['event'] === 'policy.summary'),
    12_000,
  )
  expect(summary).toMatchObject({ shield: 'compartment-b', counts: { 'bulkhead.rejected': 30 } })
  const lines = await readLog(all, 'potion-shop')
  expect(lines.filter((line) => line['event'] === 'bulkhead.rejected')).toEqual([])
  const errors = lines.filter((line) => line['event'] === 'http_error' && line['error_code'] === 'BULKHEAD_FULL')
  expect(errors).toHaveLength(30)
  for (const error of errors) expect(error).toMatchObject({ log_level: 'error', status_code: 503 })
})

test('4.5: 502 for an invalid answer, a 404 or a reset connection; 503 for its 503', async () => {
  const callWithFault = async (fault: Readonly<Record<string, unknown>>): Promise<readonly [number, string]> => {
    await setFault(all, 'flaky-service', fault)
    const { status, json } = await call('a')
    return [status, json.error_code]
  }
  expect(await callWithFault({ body: 'corrupt' })).toEqual([502, 'UPSTREAM_ERROR'])
  expect(await callWithFault({ body: 'truncated' })).toEqual([502, 'UPSTREAM_ERROR'])
  expect(await callWithFault({ status: 200 })).toEqual([502, 'UPSTREAM_ERROR'])
  expect(await callWithFault({ status: 404 })).toEqual([502, 'UPSTREAM_ERROR'])
  expect(await callWithFault({ status: 503 })).toEqual([503, 'UPSTREAM_UNAVAILABLE'])
  expect(await callWithFault({ error: 'reset' })).toEqual([502, 'UPSTREAM_ERROR'])
})
