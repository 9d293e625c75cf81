import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { shield } from '../../../core/shield.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { virtualClock } from '../../virtual-clock.ts'
import type { FaultEvent } from '../engine.ts'
import { FaultError } from '../errors.ts'
import { faults } from '../faults.ts'
import type { FaultRule } from '../plan.ts'
import { pathFits } from '../rule.ts'

const answer = (): Promise<Response> => Promise.resolve(Response.json({ stock: 42 }))
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason) => reason,
  )

async function hits(injected: () => Promise<unknown>, count: number): Promise<string> {
  let marks = ''
  for (let call = 0; call < count; call += 1) {
    marks += await injected().then(
      () => '.',
      () => 'X',
    )
  }
  return marks
}

describe('a rule hits', () => {
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
  ])('%j %j: %s', async (match, more, expected) => {
    const chaos = faults([{ match, fault: { error: 'reset', ...more } }], { seed: 1 })
    expect(
      await hits(
        chaos.wrap(() => 1, { name: 'x' }),
        8,
      ),
    ).toBe(expected)
  })

  test('the share that it is told, and with the same seed the same calls', async () => {
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

  test('the same calls whatever other rules there are, and a seed of its own choice is told', async () => {
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

  test('calls of its own, not those of the rule before', async () => {
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

  test('from a moment, for a while, again and again', async () => {
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

  test('until the cap is reached', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }], { maxInjections: 2 })
    expect(
      await hits(
        chaos.wrap(() => 1),
        4,
      ),
    ).toBe('XX..')
    expect(chaos.injected).toBe(2)
  })

  test('until it is replaced or cleared', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }])
    const call = chaos.wrap(() => 1)
    chaos.replace([{ match: { nth: 2 }, fault: { error: 'reset' } }])
    expect(await hits(call, 3)).toBe('.X.')
    chaos.replace([{ fault: { error: 'reset' } }])
    chaos.clear()
    expect(await hits(call, 3)).toBe('...')
  })
})

describe('a path', () => {
  test.each([
    ['/a', '/a', true],
    ['/a', '/a/b', false],
    ['/a/*', '/a/b/c', true],
    ['*', '', true],
    ['/*/b/*', '/a/b/', true],
    ['/a*a', '/a', false],
    ['/a.b', '/axb', false],
    ['/**/x', '/x', false],
  ])('%s fits %s: %s', (pattern, path, fit) => expect(pathFits(pattern, path)).toBe(fit))

  test('fits like a regular expression, and fast where one would not be', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '/'), maxLength: 12 })
    fc.assert(
      fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 }), (pattern, path) => {
        expect(pathFits(pattern, path)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(path))
      }),
    )
    const started = performance.now()
    expect(pathFits(`${'a*'.repeat(5_000)}b`, 'a'.repeat(100_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('an operation', () => {
  test('meets errors as sockets throw them, statuses, and answers that break', async () => {
    const meet = (fault: object) => reasonOf(faults([{ fault }]).wrap(() => 1)())
    expect(await meet({ error: 'refused' })).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await meet({ error: 'dns' })).toMatchObject({ code: 'ENOTFOUND' })
    expect(await meet({ error: 'timeout' })).toMatchObject({ code: 'ETIMEDOUT' })
    expect(await meet({ status: 503 })).toBeInstanceOf(FaultError)
    expect(await meet({ status: 503 })).toMatchObject({ status: 503, code: 'INJECTED_FAULT' })
    expect(await meet({ body: 'corrupt' })).toBeInstanceOf(SyntaxError)
    expect(await meet({ body: 'truncated' })).toMatchObject({ message: 'terminated' })
  })

  test('waits on the given clock, and a timeout around it ends the wait', async () => {
    const clock = virtualClock()
    const chaos = faults([{ fault: { latencyMs: 5_000 } }], { clock, seed: 1 })
    const guarded = shield({ name: 'x', clock }, timeout('2s'))
    const error = reasonOf(guarded.run(chaos.wrap(({ signal }) => signal.aborted)))
    await clock.advance('2s')
    expect(await error).toMatchObject({ code: 'TIMEOUT' })
    expect(clock.pending).toBe(0)
    const slow = chaos.wrap(() => clock.now())()
    await clock.advance('1h')
    expect(await slow).toBe(7_000)
  })

  test('waits longer or shorter by the jitter, never less than nothing', async () => {
    const clock = virtualClock()
    const delays: number[] = []
    const chaos = faults([{ fault: { latencyMs: 10, jitterMs: 30 } }], { clock, seed: 3 })
    chaos.on(({ delayMs }) => delays.push(delayMs))
    for (let call = 0; call < 200; call += 1) void chaos.wrap(() => 1)()
    expect(Math.min(...delays)).toBe(0)
    expect(Math.max(...delays)).toBeGreaterThan(30)
    expect(Math.max(...delays)).toBeLessThanOrEqual(40)
    await clock.advance('1s')
  })

  test('goes on when all is halted: a delay ends without its fault, a stall ends broken', async () => {
    const clock = virtualClock()
    const slow = faults([{ fault: { latencyMs: 1e6, error: 'reset' } }], { clock })
    const waiting = slow.wrap(() => 'undisturbed')()
    slow.halt()
    expect(await waiting).toBe('undisturbed')
    expect(await slow.wrap(() => 'after')()).toBe('after')
    const stalled = faults([{ fault: { body: 'stall' } }])
    const stuck = reasonOf(stalled.wrap(() => 1)())
    await clock.advance(0)
    stalled.halt()
    expect(await stuck).toMatchObject({ message: 'terminated' })
    expect(clock.pending).toBe(0)
  })

  test('is told of in events; a listener that throws disturbs nobody', async () => {
    const chaos = faults([{ fault: { error: 'reset' } }])
    const events: FaultEvent[] = []
    chaos.on(() => {
      throw new Error('listener')
    })
    const end = chaos.on((event) => events.push(event))
    await hits(
      chaos.wrap(() => 1, { name: 'x' }),
      1,
    )
    end()
    await hits(
      chaos.wrap(() => 1),
      1,
    )
    expect(events).toMatchObject([{ number: 1, rule: 0, fault: { error: 'reset' }, target: { name: 'x' } }])
  })
})

describe('a fetch', () => {
  test('meets what the runtime reports, and the real one is not asked', async () => {
    const meet = (fault: object) => faults([{ fault }]).fetch(() => Promise.reject(new Error('asked')))('http://x/')
    const error = await reasonOf(meet({ error: 'refused' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNREFUSED' } })
    const response = await meet({ status: 503 })
    expect([response.status, await response.json()]).toEqual([503, { error: 'injected fault', status: 503 }])
    expect((await meet({ status: 204 })).body).toBeNull()
  })

  test('is matched by method and path, of whatever it is given', async () => {
    const rule = { match: { method: 'post', path: '/items/*' }, fault: { status: 500 } }
    const send = faults([rule]).fetch(answer)
    expect((await send('http://x/items/1?a=/', { method: 'post' })).status).toBe(500)
    expect((await send(new URL('http://x/items/1'), { method: 'POST' })).status).toBe(500)
    expect((await send(new Request('http://x/items/1', { method: 'POST' }))).status).toBe(500)
    expect((await send('http://x/items/1')).status).toBe(200)
    expect((await send('http://x/other?/items/1', { method: 'POST' })).status).toBe(200)
  })

  test('has bodies that break', async () => {
    const meet = (body: 'corrupt' | 'truncated' | 'stall') => faults([{ fault: { body } }]).fetch(answer)('http://x/')
    expect(await reasonOf((await meet('corrupt')).json())).toBeInstanceOf(SyntaxError)
    expect(await reasonOf((await meet('truncated')).json())).toMatchObject({ message: 'terminated' })
    const reader = (await meet('stall')).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('{"stoc')
    const more = await Promise.race([reader?.read(), new Promise((resolve) => setImmediate(resolve, 'nothing'))])
    expect(more).toBe('nothing')
    await reader?.cancel()
  })

  test('leaves nothing on the signal, when a delay or a stall is over', async () => {
    const { signal } = new AbortController()
    const clock = virtualClock()
    const slow = faults([{ fault: { latencyMs: 5 } }], { clock }).fetch(answer)('http://x/', { signal })
    await clock.advance(5)
    await slow
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    const stalled = await faults([{ fault: { body: 'stall' } }]).fetch(answer)('http://x/', { signal })
    await clock.advance(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await stalled.body?.cancel()
    await clock.advance(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  test('stalls until its signal aborts', async () => {
    const abort = new AbortController()
    const send = faults([{ fault: { body: 'stall' } }]).fetch(answer)
    const text = reasonOf((await send('http://x/', { signal: abort.signal })).text())
    abort.abort('enough')
    expect(await text).toBe('enough')
  })
})

describe('a plan that cannot work is refused, with the path of what is wrong', () => {
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
  ])('%j', (plan, path) => {
    const make = (): unknown => faults(plan as never)
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(expect.objectContaining({ path }))
  })

  test.each([
    [{ seed: 0.5 }, 'faults.seed'],
    [{ clock: 1 }, 'faults.clock'],
    [{ maxInjections: -1 }, 'faults.maxInjections'],
    [{ sed: 1 }, 'faults.sed'],
  ])('%j', (options, path) => {
    expect(() => faults([], options as never)).toThrow(expect.objectContaining({ path }))
  })
})
