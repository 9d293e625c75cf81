import { readFile } from 'node:fs/promises'
import * as escudo from 'escudo'
import {
  adaptiveThrottle,
  bulkhead,
  cache,
  circuitBreaker,
  constant,
  explain,
  isRefusal,
  type Policy,
  rateLimiter,
  retry,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { describe, expect, test } from 'vitest'
import { ROOT } from './shop/helpers/processes.ts'

const guide = await page('policies.md')

function page(name: string): Promise<string> {
  return readFile(`${ROOT}/docs/${name}`, 'utf8')
}

/** Builds every policy with given options. For an unknown option, the error lists the options that exist. */
const FACTORIES: readonly (readonly [name: string, page: string, build: (options: never) => unknown])[] = [
  ['retry', 'retry', escudo.retry],
  ['retryBudget', 'retry', escudo.retryBudget],
  ['circuitBreaker', 'circuit-breaker', escudo.circuitBreaker],
  ['bulkhead', 'bulkhead', escudo.bulkhead],
  ['timeout', 'timeout', (options) => escudo.timeout(1, options)],
  ['fallback', 'fallback', (options) => escudo.fallback(0, options)],
  ['hedge', 'hedge', escudo.hedge],
  ['cache', 'cache', escudo.cache],
  ['coalesce', 'cache', escudo.coalesce],
  ['rateLimiter', 'rate-limiting', escudo.rateLimiter],
  ['adaptiveThrottle', 'rate-limiting', escudo.adaptiveThrottle],
  ['adaptiveLimiter', 'rate-limiting', escudo.adaptiveLimiter],
  ['standardShield', 'standard-shield', (options) => escudo.standardShield('x', options)],
]

describe.each(FACTORIES)('%s', (name, file, build) => {
  test(`docs/policies/${file}.md lists every option`, async () => {
    const text = await page(`policies/${file}.md`)
    const options = optionsOf(build)
    expect(options.length).toBeGreaterThan(0)
    for (const option of options) {
      // coalesce has one option, described in a sentence instead of a table.
      expect(text).toMatch(name === 'coalesce' ? `\`${option}\`` : new RegExp(`^\\|.* ?\`${option}\` \\|`, 'm'))
    }
  })

  test('the guide links to its page', () => {
    expect(guide).toContain(`(policies/${file}.md`)
  })
})

function optionsOf(build: (options: never) => unknown): readonly string[] {
  try {
    build({ noSuchOption: 1 } as never)
  } catch (error) {
    return ((error as Error).message.split('known here: ')[1] ?? '').split(', ').filter((name) => name !== '')
  }
  return []
}

test('the guide lists every state that explain() reports for a refusal', async () => {
  const breaker = circuitBreaker()
  breaker.isolate()
  const limiter = rateLimiter({ limit: 1, per: '1h' })
  const [full, limited, throttled, isolated] = [
    shield('full', bulkhead({ limit: 1 })),
    shield('limited', limiter),
    shield({ name: 'throttled', random: () => 0 }, adaptiveThrottle()),
    shield('isolated', retry(), breaker),
  ]
  void full.run(() => new Promise(() => {}))
  for (const one of [limited, throttled]) await one.run(() => Promise.reject(new Error('down'))).catch(() => {})
  const refusals = await Promise.all(
    [full, limited, throttled, isolated].map((one) => one.run(() => 1).then(undefined, (error: unknown) => error)),
  )
  const states = refusals.map((error) => isRefusal(error) && explain(error)?.policies[0]?.state)
  expect(states).toEqual(['full', 'rate limited', 'throttled', 'refused for longer than the next delay'])
  for (const state of [...states, 'passed', 'not reached']) expect(guide).toContain(`\`${state}\``)
})

test('frees the permit when the outer timeout cancels an inner one (docs/policies/bulkhead.md)', async () => {
  const clock = virtualClock()
  const inUse = async (...inside: readonly Policy[]): Promise<unknown> => {
    const again = retry({ maxRetries: 1, backoff: constant('500ms') })
    const s = shield({ name: 's', clock }, timeout('1s'), again, bulkhead({ limit: 1 }), ...inside)
    // The second attempt starts at 500 ms and hangs. The outer timeout fires at 1 s, before an inner one of 900 ms.
    const hangs = new Promise<never>(() => {})
    const answer = s.run(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('down')) : hangs)).catch(() => {})
    await clock.advance('1s')
    await answer
    return s.status().policies[2]?.['inUse']
  }
  expect(await inUse()).toBe(1)
  expect(await inUse(timeout('900ms'))).toBe(0)
})

test('a failed call counts as a cache miss', async () => {
  const prices = shield('prices', cache({ ttl: '1m' }))
  await prices.run(() => Promise.reject(new Error('down')), { key: 'a' }).catch(() => {})
  expect(prices.status().policies[0]).toMatchObject({ misses: 1, entries: 0 })
})
