import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LimitOfFleet } from '../../packages/escudo/src/core/shared-state.ts'
import { answerOf, argsOf } from '../../packages/escudo/src/fleet/circuit.ts'
import { permitAnswerOf } from '../../packages/escudo/src/fleet/permits.ts'
import { CIRCUIT } from '../../packages/escudo/src/fleet/scripts/circuit.ts'
import { EXACT } from '../../packages/escudo/src/fleet/scripts/exact.ts'
import { LIMIT } from '../../packages/escudo/src/fleet/scripts/limit.ts'
import { NOW } from '../../packages/escudo/src/fleet/scripts/now.ts'
import { PERMITS } from '../../packages/escudo/src/fleet/scripts/permits.ts'
import { RedisCircuit } from '../../packages/escudo/src/fleet/state/test/redis-circuit.ts'
import { RedisLimit } from '../../packages/escudo/src/fleet/state/test/redis-limit.ts'
import { RedisPermits } from '../../packages/escudo/src/fleet/state/test/redis-permits.ts'
import { redisForTests } from './helpers/fixture.ts'
import { sumsIn } from './helpers/semaphore.ts'

// The chaos tests use models of the scripts. Here the same questions go to both, at the same virtual instants.

const redis = redisForTests()

const RUNS = Number(process.env['ESCUDO_FLEET_RUNS'] ?? 60)
/** The script, with its last argument as the instant. */
const at = (script: string): string => script.replace(NOW, 'local now = tonumber(ARGV[#ARGV])')
/** The key ends by the real clock, and here virtual time passes: it lives longer. */
const [LONG_LIMIT, LONG_EXACT] = [LIMIT, EXACT].map((text) => text.replace('% 1 + 2)', '% 1 + 600000)')) as [
  string,
  string,
]
const START_US = 1_700_000_000_000_000
const CLOCK_GOES_BACK: [LimitOfFleet, { waitUs: number; want: number; back: number }[]] = [
  { limit: 1, perMs: 1, burst: 1 },
  [
    { waitUs: 0, want: 0, back: 1 },
    { waitUs: -1, want: 1, back: 0 },
  ],
]

describe('the scripts', () => {
  test('begin with the clock of Redis', () => {
    expect(LONG_LIMIT).not.toBe(LIMIT)
    expect(LONG_EXACT).not.toBe(EXACT)
    for (const script of [LIMIT, EXACT, CIRCUIT, PERMITS]) expect(script.startsWith(`${NOW}\n`)).toBe(true)
  })

  test('grant the permits that the model grants', async () => {
    const limits = fc.record({
      limit: fc.integer({ min: 1, max: 5_000 }),
      perMs: fc.integer({ min: 1, max: 60_000 }),
      burst: fc.integer({ min: 1, max: 5_000 }),
    })
    const steps = fc.array(
      fc.record({
        waitUs: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: -1_000_000, max: 60_000_000 })),
        want: fc.oneof(fc.constant(1), fc.nat(200)),
        back: fc.oneof(fc.constant(0), fc.nat(50)),
      }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(limits, steps, async (limit, todo) => {
        const model = new RedisLimit()
        await redis.admin.del('k')
        let now = START_US
        for (const { waitUs, want, back } of todo) {
          now += waitUs
          const expected = model.ask(limit, want, back, now)
          const perUs = (limit.perMs * 1_000) / limit.limit
          if (want === 1 && back === 0) {
            // One permit is asked for by the other script, of the same key.
            const waitUs = await redis.admin.eval(at(LONG_EXACT), 1, 'k', perUs, perUs * limit.burst, now)
            expect(waitUs).toBe(expected.granted === 1 ? 0 : Math.max(1, expected.waitUs))
            continue
          }
          const answer = await redis.admin.eval(at(LONG_LIMIT), 1, 'k', perUs, limit.burst, want, back, now)
          expect(answer).toEqual([expected.granted, expected.waitUs])
          // -2: there is no key; -1 would be a key that never ends.
          expect(await redis.admin.pttl('k')).not.toBe(-1)
        }
      }),
      { numRuns: RUNS, examples: [CLOCK_GOES_BACK] },
    )
  })

  test('answer the questions about a circuit as the model does', async () => {
    const questions = fc.array(
      fc.record({
        waitMs: fc.oneof(fc.integer({ min: 0, max: 900 }), fc.integer({ min: -10_000, max: 20_000 })),
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        ahead: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, 3)),
        open: fc.boolean(),
        remainingMs: fc.nat(5_000),
        vote: fc.boolean(),
        enough: fc.boolean(),
        want: fc.constantFrom(0 as const, 1 as const, 2 as const),
        holds: fc.oneof({ weight: 8, arbitrary: fc.constant(true) }, fc.constant(false)),
        result: fc.oneof(
          { weight: 4, arbitrary: fc.constant('none' as const) },
          fc.constantFrom('success' as const, 'failure' as const, 'released' as const),
        ),
        probing: fc.boolean(),
        openForMs: fc.integer({ min: 1, max: 3_000 }),
        quorum: fc.constantFrom(0.3, 0.5, 1),
      }),
      { maxLength: 60, size: 'max' },
    )
    let [opened, leased, accepted] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(questions, async (asked) => {
        const model = new RedisCircuit()
        const leases = new Map<string, number>()
        await redis.admin.del('c')
        let now = START_US / 1_000
        for (const { waitMs, id, ahead, holds, ...rest } of asked) {
          now += waitMs
          const generation = Math.max(0, model.generation + ahead)
          const lease = holds ? (leases.get(id) ?? 0) : 0
          const question = { ...rest, generation, lease, state: 'closed' as const }
          const expected = model.ask(id, question, now)
          const answer = await redis.admin.eval(at(CIRCUIT), 1, 'c', ...argsOf(id, question), Math.round(now * 1_000))
          expect(answerOf(answer)).toEqual(expected)
          leases.set(id, expected.lease)
          opened += Number(expected.open)
          leased += Number(expected.lease > 0)
          expect(await redis.admin.pttl('c')).toBeGreaterThan(0)
        }
        accepted += model.accepted.length
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(opened, leased, accepted)).toBeGreaterThan(RUNS / 10)
  })

  test('give the instances the permits of a semaphore that the model gives', async () => {
    const questions = fc.array(
      fc.record({
        waitMs: fc.oneof(
          { weight: 3, arbitrary: fc.nat(90) },
          fc.nat(900),
          fc.integer({ min: -10_000, max: 10_000 }),
          fc.constantFrom(0, 3_999, 4_000, -1),
        ),
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        late: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(3)),
        keeps: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1.5, noNaN: true })),
        want: fc.oneof(fc.constant(0), fc.nat(30)),
        limit: fc.oneof({ weight: 9, arbitrary: fc.constant(20) }, fc.integer({ min: 1, max: 40 })),
      }),
      { maxLength: 60, size: 'max' },
    )
    let [unmet, starved] = [0, 0]
    await fc.assert(
      fc.asyncProperty(questions, async (asked) => {
        const model = new RedisPermits()
        const holds = new Map<string, number>()
        await redis.admin.del('p')
        let nowUs = START_US
        let number = 0
        for (const { waitMs, id, late, keeps, want, limit } of asked) {
          nowUs += waitMs * 1_000
          number += 1
          const question = { number: Math.max(1, number - late), held: Math.floor((holds.get(id) ?? 0) * keeps), want }
          const expected = model.ask(id, question, limit, nowUs)
          const args = [id, question.number, question.held, want, limit, nowUs]
          expect(permitAnswerOf(await redis.admin.eval(at(PERMITS), 1, 'p', ...args))).toEqual(expected)
          expect(await sumsIn(redis.admin, 'p'), 'the sums are those of the instances').toEqual(sumsOf(model))
          holds.set(id, expected.held)
          unmet += Number(expected.held < question.held + want)
          starved += Number(want > 0 && expected.held === 0 && expected.wanted > 0)
          // -2: there is no key; -1 would be a key that never ends.
          expect(await redis.admin.pttl('p')).not.toBe(-1)
        }
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(unmet, starved)).toBeGreaterThan(RUNS / 10)
  })

  test('read all instances of a semaphore only if a field may have ended, or the clock went back', async () => {
    const { admin } = redis
    const scans = async (): Promise<number> => {
      const stats = await admin.info('commandstats')
      return Number(/cmdstat_hgetall:calls=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    const ask = async (id: string, number: number, held: number, want: number, atMs: number): Promise<number> => {
      const before = await scans()
      await admin.eval(at(PERMITS), 1, 's', id, number, held, want, 10, START_US + atMs * 1_000)
      return (await scans()) - before
    }
    expect(await ask('a', 1, 0, 1, 0), 'the first question').toBe(1)
    expect(await ask('b', 1, 0, 9, 1), 'another instance').toBe(0)
    for (let number = 2; number < 50; number += 1) expect(await ask('a', number, 0, 1, number * 20)).toBe(0)
    expect(await ask('c', 1, 0, 2, 1_100), 'one that gets nothing').toBe(0)
    expect(await ask('d', 1, 0, 2, 1_101), 'a second one that gets nothing').toBe(0)
    expect(await ask('a', 50, 1, 1, 1_102), 'an instance with a permit, while others wait').toBe(0)
    expect(await ask('d', 2, 0, 2, 1_103), 'two that wait are compared').toBe(1)
    expect(await ask('a', 51, 1, 0, 1_050), 'the clock went back').toBe(1)
    expect(await ask('a', 52, 1, 0, 4_001), 'a field may have ended').toBe(1)
    expect(await ask('a', 53, 1, 0, 4_002)).toBe(0)
  })

  test('renew the key of a semaphore, and remove it with its last permit', async () => {
    const { admin } = redis
    const ask = (number: number, held: number, want: number, atMs: number): Promise<unknown> =>
      admin.eval(at(PERMITS), 1, 'r', 'a', number, held, want, 10, START_US + atMs * 1_000)
    const isRenewed = async (number: number, atMs: number): Promise<boolean> => {
      await admin.pexpire('r', 600_000)
      await ask(number, 1, 0, atMs)
      return (await admin.pttl('r')) <= 5_000
    }
    await ask(1, 0, 1, 0)
    expect(await isRenewed(2, 999), 'it lives as long as each field').toBe(false)
    expect(await isRenewed(3, 1_000)).toBe(true)
    expect(await isRenewed(4, 900), 'the clock went back').toBe(true)
    await ask(5, 0, 0, 1_100)
    expect(await admin.exists('r')).toBe(0)
  })
})

function sumsOf({ entries }: RedisPermits): readonly number[] {
  const all = [...entries.values()]
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  const starving = all.filter(({ has, wants }) => has === 0 && wants > 0)
  return [all.length, sum(all.map(({ has }) => has)), sum(all.map(({ wants }) => wants)), starving.length]
}
