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

/** Every policy of the library, built with an option that nobody knows: the refusal lists those that there are. */
const FACTORIES: readonly (readonly [name: string, page: string, build: (unknown: never) => unknown])[] = [
  ['retry', 'retry', escudo.retry],
  ['retryBudget', 'retry', escudo.retryBudget],
  ['circuitBreaker', 'circuit-breaker', escudo.circuitBreaker],
  ['bulkhead', 'bulkhead', escudo.bulkhead],
  ['timeout', 'timeout', (unknown) => escudo.timeout(1, unknown)],
  ['fallback', 'fallback', (unknown) => escudo.fallback(0, unknown)],
  ['hedge', 'hedge', escudo.hedge],
  ['cache', 'cache', escudo.cache],
  ['coalesce', 'cache', escudo.coalesce],
  ['rateLimiter', 'rate-limiting', escudo.rateLimiter],
  ['throttle', 'rate-limiting', escudo.adaptiveThrottle],
  ['adaptiveLimiter', 'rate-limiting', escudo.adaptiveLimiter],
  ['standardShield', 'standard-shield', (unknown) => escudo.standardShield('x', unknown)],
]

describe.each(FACTORIES)('%s', (name, file, build) => {
  test(`docs/policies/${file}.md has every option`, async () => {
    const text = await page(`policies/${file}.md`)
    const options = optionsOf(build)
    expect(options.length).toBeGreaterThan(0)
    for (const option of options) {
      // The one option of coalesce stands in a sentence.
      expect(text).toMatch(name === 'coalesce' ? `\`${option}\`` : new RegExp(`^\\|.* ?\`${option}\` \\|`, 'm'))
    }
  })

  test('the guide leads to its page', () => {
    expect(guide).toContain(`(policies/${file}.md`)
  })
})

function optionsOf(build: (unknown: never) => unknown): readonly string[] {
  try {
    build({ nobodyKnowsThis: 1 } as never)
  } catch (error) {
    return ((error as Error).message.split('known here: ')[1] ?? '').split(', ').filter((name) => name !== '')
  }
  return []
}

test('the guide has every state that explain() tells of a refusal', async () => {
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

test('a place is free when an inner timeout is cut by an outer one, as docs/policies/bulkhead.md says', async () => {
  const clock = virtualClock()
  const inUse = async (...inside: readonly Policy[]): Promise<unknown> => {
    const again = retry({ maxRetries: 1, backoff: constant('500ms') })
    const s = shield({ name: 's', clock }, timeout('1s'), again, bulkhead({ limit: 1 }), ...inside)
    // The second attempt begins at 500 ms, and hangs: the outer timeout fires before an inner one of 900 ms.
    const hangs = new Promise<never>(() => {})
    const answer = s.run(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('down')) : hangs)).catch(() => {})
    await clock.advance('1s')
    await answer
    return s.status().policies[2]?.['inUse']
  }
  expect(await inUse()).toBe(1)
  expect(await inUse(timeout('900ms'))).toBe(0)
})

test('a failed call is a miss of a cache', async () => {
  const prices = shield('prices', cache({ ttl: '1m' }))
  await prices.run(() => Promise.reject(new Error('down')), { key: 'a' }).catch(() => {})
  expect(prices.status().policies[0]).toMatchObject({ misses: 1, entries: 0 })
})
