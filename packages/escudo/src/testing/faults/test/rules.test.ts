import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { virtualClock } from '../../virtual-clock.ts'
import { faults } from '../faults.ts'
import type { FaultRule } from '../plan.ts'
import { pathMatches } from '../rule.ts'
import { hits } from './setup.ts'

describe('a rule', () => {
  test.each([
    [{}, {}, 'XXXXXXXX'],
    [{ nth: 3 }, {}, '..X.....'],
    [{ after: 5 }, {}, '.....XXX'],
    [{}, { times: 2 }, 'XX......'],
    [{ after: 1 }, { times: 2 }, '.XX.....'],
    [{ rate: 0 }, {}, '........'],
    [{ name: 'other' }, {}, '........'],
    [{ name: 'x' }, {}, 'XXXXXXXX'],
    [{ method: 'GET' }, {}, '........'],
  ])('with match %j and fault %j hits %s', async (match, more, expected) => {
    const chaos = faults([{ match, fault: { error: 'reset', ...more } }], { seed: 1 })
    expect(
      await hits(
        chaos.wrap(() => 1, { name: 'x' }),
        8,
      ),
    ).toBe(expected)
  })

  test('hits the given share of calls, and the same calls with the same seed', async () => {
    const run = (seed: number) => {
      const chaos = faults([{ match: { rate: 0.3 }, fault: { error: 'reset' } }], { seed })
      return hits(
        chaos.wrap(() => 1),
        1_000,
      )
    }
    const first = await run(7)
    expect(await run(7)).toBe(first)
    expect(await run(8)).not.toBe(first)
    expect(first.split('X').length - 1).toBeGreaterThan(250)
    expect(first.split('X').length - 1).toBeLessThan(350)
  })

  test('hits the same calls if rules are added; a random seed can be read', async () => {
    const rule = { match: { rate: 0.5 }, fault: { error: 'reset' } } as const
    const alone = faults([rule])
    const before = await hits(
      alone.wrap(() => 1),
      50,
    )
    const beside = faults([rule, { match: { rate: 0.5 }, fault: { status: 500 } }], { seed: alone.seed })
    const seen: number[] = []
    beside.on(({ rule: index, number }) => index === 0 && seen.push(number))
    await hits(
      beside.wrap(() => 1),
      50,
    )
    expect(seen).toHaveLength(before.split('X').length - 1)
  })

  test('hits calls independently of the rule before it', async () => {
    const half = (fault: FaultRule['fault']): FaultRule => ({ match: { rate: 0.5 }, fault })
    const chaos = faults([half({ status: 500 }), half({ error: 'reset' })], { seed: 4 })
    const hit = [0, 0]
    chaos.on(({ rule }) => {
      hit[rule] = (hit[rule] ?? 0) + 1
    })
    await hits(
      chaos.wrap(() => 1),
      100,
    )
    expect(hit[1]).toBeGreaterThan(10)
  })

  test('hits only during its schedule: from, for, every', async () => {
    const clock = virtualClock()
    const chaos = faults([{ from: '1s', for: '1s', every: '3s', fault: { error: 'reset' } }], { clock })
    const call = chaos.wrap(() => 1)
    let marks = ''
    for (let second = 0; second < 9; second += 1) {
      marks += await hits(call, 1)
      await clock.advance('1s')
    }
    expect(marks).toBe('.X..X..X.')
  })

  test('stops at maxInjections', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }], { maxInjections: 2 })
    expect(
      await hits(
        chaos.wrap(() => 1),
        4,
      ),
    ).toBe('XX..')
    expect(chaos.injected).toBe(2)
  })

  test('stops when it is replaced or cleared', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }])
    const call = chaos.wrap(() => 1)
    chaos.replace([{ match: { nth: 2 }, fault: { error: 'reset' } }])
    expect(await hits(call, 3)).toBe('.X.')
    chaos.replace([{ fault: { error: 'reset' } }])
    chaos.clear()
    expect(await hits(call, 3)).toBe('...')
  })
})

describe('pathMatches', () => {
  test.each([
    ['/a', '/a', true],
    ['/a', '/a/b', false],
    ['/a/*', '/a/b/c', true],
    ['*', '', true],
    ['/*/b/*', '/a/b/', true],
    ['/a*a', '/a', false],
    ['/a.b', '/axb', false],
    ['/**/x', '/x', false],
  ])('%s matches %s: %s', (pattern, path, expected) => expect(pathMatches(pattern, path)).toBe(expected))

  test('agrees with a regular expression, and is fast where that would be slow', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '/'), maxLength: 12 })
    fc.assert(
      fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 }), (pattern, path) => {
        expect(pathMatches(pattern, path)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(path))
      }),
    )
    const started = performance.now()
    expect(pathMatches(`${'a*'.repeat(5_000)}b`, 'a'.repeat(100_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('validation names the path of the invalid value', () => {
  test.each([
    [{}, 'plan'],
    [[null], 'plan[0]'],
    [[{}], 'plan[0].fault'],
    [[{ fault: {} }], 'plan[0].fault'],
    [[{ fault: { times: 1 } }], 'plan[0].fault'],
    [[{ fault: { status: 99 } }], 'plan[0].fault.status'],
    [[{ fault: { status: '503' } }], 'plan[0].fault.status'],
    [[{ fault: { latencyMs: -1 } }], 'plan[0].fault.latencyMs'],
    [[{ fault: { latencyMs: Number.NaN } }], 'plan[0].fault.latencyMs'],
    [[{ fault: { error: 'boom' } }], 'plan[0].fault.error'],
    [[{ fault: { body: 'gone' } }], 'plan[0].fault.body'],
    [[{ fault: { latency: 1 } }], 'plan[0].fault.latency'],
    [[{ fault: { status: 500 }, match: { rate: 2 } }], 'plan[0].match.rate'],
    [[{ fault: { status: 500 } }, { fault: { status: 500 }, match: { nth: 0 } }], 'plan[1].match.nth'],
    [[{ fault: { status: 500 }, match: { path: /x/ } }], 'plan[0].match.path'],
    [[{ fault: { status: 500 }, for: '1s', every: '1s' }], 'plan[0].every'],
  ])('rejects the plan %j', (plan, path) => {
    const make = (): unknown => faults(plan as never)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(expect.objectContaining({ path }))
  })

  test.each([
    [{ seed: 0.5 }, 'faults.seed'],
    [{ clock: 1 }, 'faults.clock'],
    [{ maxInjections: -1 }, 'faults.maxInjections'],
    [{ sed: 1 }, 'faults.sed'],
  ])('rejects the options %j', (options, path) => {
    expect(() => faults([], options as never)).toThrow(expect.objectContaining({ path }))
  })
})
