import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createSystem, type Line, OPENED, type TestSystem } from './setup.ts'

let system: TestSystem
const systems: TestSystem[] = []
async function begin(): Promise<void> {
  system = await createSystem(['shop'])
  systems.push(system)
}
afterEach(async () => {
  for (const one of systems.splice(0)) await one.remove()
})

/** What names an instance in its lines. */
const of = (number: number, pid = 70 + number) => ({ instance: `shop-${number}`, pid })

/** Lets the clock of the reader go on, and writes the lines of each second. */
async function follow(seconds: number, linesOf: (second: number) => readonly Line[]): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    system.now += 1_000
    await system.write('shop', linesOf(second))
  }
}

/** A request of each instance, by how many seconds its clock is behind; of those with a name, all fail. */
function requests(behind: readonly number[], failing: readonly number[], repeat: readonly number[] = []): Line[] {
  return behind.flatMap((ago, number) => {
    const line = { ago, status_code: failing.includes(number) ? 503 : 200, ...of(number) }
    return Array.from({ length: repeat[number] ?? 1 }, () => line)
  })
}

describe('an instance whose clock is not that of the others', () => {
  it.each([
    ['2 minutes behind', 120],
    ['5 minutes behind', 300],
    ['10 minutes behind', 600],
    ['30 minutes behind', 1_800],
    ['20 hours behind', 72_000],
    ['90 s ahead', -90],
    ['10 minutes ahead', -600],
  ])('fails now, a few seconds after its first failure: %s', async (_, behind) => {
    await begin()
    await follow(30, () => requests([0, behind], []))
    expect(system.health()).toMatchObject({ state: 'healthy' })
    await follow(8, () => requests([0, behind], [1]))
    expect(system.health()).toMatchObject({ state: 'failing', as_of: null, cause: { service: 'shop', reason: '5xx' } })
    await follow(60, () => requests([0, behind], [1]))
    expect(system.service('shop')).toMatchObject({ failures: 60, clock_ahead_ms: 0 })
    await follow(60, () => requests([0, behind], []))
    expect(system.service('shop')).toMatchObject({ state: 'healthy', requests: 120, failures: 0 })
  })

  it('fails now if it is the first thing that is read of it', async () => {
    await begin()
    await follow(10, () => requests([0, 600], [1]))
    expect(system.health()).toMatchObject({ state: 'failing', as_of: null })
  })

  it.each([
    ['behind', 600],
    ['ahead', -600],
  ])('does not hide the failures of the right one, if most lines are %s', async (_, behind) => {
    await begin()
    // The clock of the service is the wrong one now.
    await follow(90, (second) => (second % 8 === 0 ? requests([0], [0]) : requests([0, behind], [], [0, 1])))
    expect(system.service('shop')).toMatchObject({ state: 'failing', clock_ahead_ms: behind * -1_000, as_of: null })
  })

  it('fails on while the right one ends, and is alone', async () => {
    await begin()
    await follow(60, () => requests([0, 600], [1]))
    for (let second = 0; second < 90; second += 1) {
      await follow(1, () => requests([0, 600], [1], [0, 1]))
      expect([second, system.service('shop').state]).not.toEqual([second, 'healthy'])
    }
    expect(system.service('shop')).toMatchObject({ state: 'failing', requests: 60, as_of: null })
  })

  it('is not silent, and its breaker is known', async () => {
    await begin()
    await follow(30, () => requests([0, 600], []))
    await follow(1, () => [...requests([0, 600], []), { ...OPENED, ago: 600, ...of(1) }])
    await follow(90, () => requests([0, 600], []))
    const { instances, open_breakers } = system.service('shop')
    expect(instances.map(({ name, silent }) => [name, silent])).toEqual([
      ['shop-0', false],
      ['shop-1', false],
    ])
    expect(open_breakers.map(({ instance }) => instance)).toEqual(['shop-1'])
  })

  it('has its hops among its requests', async () => {
    system = await createSystem(['shop', 'inventory'])
    systems.push(system)
    for (let second = 0; second < 90; second += 1) {
      system.now += 1_000
      const outer = { ago: 0, status_code: 200, span_id: `o${second}`, ...of(0) }
      const inner = { ago: 600, status_code: 503, span_id: `i${second}`, parent_span_id: `o${second}`, ...of(1) }
      await system.write('inventory', [{ ago: 0, status_code: 200, ...of(2) }, inner])
      await system.write('shop', [outer])
    }
    expect(system.service('inventory')).toMatchObject({ state: 'failing', requests: 120, failures: 60 })
    // The requests of users are those to the shop, and to the other instance.
    expect(system.health().effect).toMatchObject({ requests: 120, failures: 0 })
  })

  it('is judged by batches of five seconds too', async () => {
    await begin()
    for (let batch = 0; batch < 18; batch += 1) {
      system.now += 5_000
      const seconds = [4, 3, 2, 1, 0]
      await system.write(
        'shop',
        seconds.flatMap((ago) => requests([ago, 600 + ago], [1])),
      )
    }
    expect(system.service('shop')).toMatchObject({ state: 'failing', requests: 120, failures: 60 })
  })

  it('is never said to be healthy, whatever the clocks and the failing instance', async () => {
    const clock = fc.oneof(fc.constant(0), fc.integer({ min: -3_000, max: 3_000 }))
    await fc.assert(
      fc.asyncProperty(clock, clock, fc.nat({ max: 2 }), fc.boolean(), async (one, other, failing, areApart) => {
        await begin()
        for (let second = 0; second < 75; second += 1) {
          const lines = requests([0, one, other], [failing])
          for (const read of areApart ? lines.map((line) => [line]) : [lines]) {
            system.now += 1_000 / (areApart ? lines.length : 1)
            await system.write('shop', read)
          }
          // Until then it is not certain which clock is wrong.
          if (second >= 10) expect([second, system.service('shop').state]).toEqual([second, 'failing'])
        }
        expect(system.service('shop').failures).toBeGreaterThanOrEqual(55)
        // The first lines of a clock that is ahead come true later.
        expect(system.service('shop').requests - 180).toBeLessThanOrEqual(8)
      }),
      { numRuns: 15 },
    )
  })
})

describe('what is not news', () => {
  it('is a file with failures of another instance that is read at the start', async () => {
    await begin()
    const lines: Line[] = []
    for (let ago = 2_000; ago > 600; ago -= 1) lines.push(...requests([ago, ago], [1]))
    for (let ago = 600; ago >= 0; ago -= 1) lines.push(...requests([ago], []))
    await system.write('shop', lines)
    await follow(30, () => requests([0], []))
    expect(system.service('shop')).toMatchObject({ state: 'healthy', failures: 0 })
  })

  it('are old lines that arrive quickly one after the other', async () => {
    await begin()
    await follow(60, (second) => [
      ...requests([0], []),
      // Twenty seconds of the past within each second.
      ...Array.from({ length: 20 }, (_, at) => ({ ago: 1_800 - second * 19 - at, status_code: 503, ...of(1) })),
    ])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', failures: 0 })
  })

  it('are late lines of an instance: they count at their own instant', async () => {
    await begin()
    await follow(40, () => requests([0, 600], []))
    // Its clock is 10 minutes behind, and these lines took five minutes.
    await follow(1, () => [
      ...requests([0, 600], []),
      ...Array.from({ length: 30 }, (_, at) => ({ ago: 900 + at, status_code: 503, ...of(1) })),
    ])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', failures: 0 })
  })

  it('are one or two lines with an old date', async () => {
    await begin()
    await follow(60, (second) => [...requests([0], []), ...(second % 25 === 0 ? requests([0, 600], [1]).slice(1) : [])])
    expect(system.service('shop')).toMatchObject({ state: 'healthy', failures: 0 })
  })
})

it('a clock of one instance that is set right is right from its next line on', async () => {
  await begin()
  await follow(40, () => requests([0, 600], []))
  await follow(3, () => requests([0, 0], [1]))
  expect(system.service('shop')).toMatchObject({ failures: 3 })
  await follow(60, () => requests([0, 0], [1]))
  expect(system.service('shop')).toMatchObject({ state: 'failing', requests: 120, failures: 60 })
})
