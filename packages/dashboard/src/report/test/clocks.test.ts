import { afterEach, describe, expect, it } from 'vitest'
import { TIERS } from '../../counts/timeline.ts'
import { summarize } from '../summary.ts'
import { columnsOf, partsOf, rangeOf } from '../view.ts'
import { createSystem, every, type Line, OPENED, type TestSystem } from './setup.ts'

let system: TestSystem
afterEach(() => system.remove())

/** The requests of a service that are shown between two moments, in seconds before now. */
function shown(service: string, from: number, to: number): number {
  const range = { from: system.now - from * 1_000, to: system.now - to * 1_000 }
  return summarize(system.files, range).by_service[service]?.requests ?? 0
}

/** How many slots of time, in all tiers, count other requests of a service than hops and health checks; and the hops of all slots. */
function slotsOf(service: string): { readonly wrong: number; readonly hops: readonly number[] } {
  const { named, cells } = system.files.journal
  let wrong = 0
  const hops = TIERS.map(({ stepMs }) => {
    let sum = 0
    for (const [, slot] of named.between(stepMs, 0, system.now * 2)) {
      for (const cell of new Set([
        ...slot.cells.keys(),
        ...(slot.hops?.keys() ?? []),
        ...(slot.probes?.keys() ?? []),
      ])) {
        if (cells.key(cell).service !== service) continue
        const hops = slot.hops?.get(cell)?.count ?? 0
        const probes = slot.probes?.get(cell)?.count ?? 0
        sum += hops
        if (hops + probes !== (slot.cells.get(cell)?.count ?? 0)) wrong += 1
      }
    }
    return sum
  })
  return { wrong, hops }
}

/** Requests of a user to a shop that asks another service, one a second. */
function pairs(from: number, to: number, aheadSeconds: number): { readonly outer: Line[]; readonly inner: Line[] } {
  const outer: Line[] = []
  const inner: Line[] = []
  for (let ago = from; ago >= to; ago -= 1) {
    const request = { status_code: 200, trace_id: `t${ago}` }
    inner.push({ ...request, ago: ago - aheadSeconds, span_id: `i${ago}`, parent_span_id: `o${ago}`, latency_ms: 3 })
    outer.push({ ...request, ago, span_id: `o${ago}`, latency_ms: 9 })
  }
  return { outer, inner }
}

/** Writes one line a second, for some seconds of the reader's clock. */
async function follow(
  service: string,
  seconds: number,
  ago: (second: number) => number,
  fields: object = {},
): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    system.now += 1_000
    await system.write(service, [{ ago: ago(second), status_code: 200, ...fields }])
  }
}

describe('a service whose clock is constantly wrong', () => {
  it('is shown shifted by 90 s, with the latencies of its lines', async () => {
    system = await createSystem(['fast', 'shop'])
    await system.write('fast', every(1, 500, -90, { latency_ms: 70 }))
    await system.write('shop', every(1, 590, 0, { latency_ms: 5 }))
    expect([shown('fast', 600, -5), shown('fast', 100, 0), shown('fast', -5, -200)]).toEqual([591, 100, 0])
    expect([shown('shop', 600, -5), shown('shop', 100, 0)]).toEqual([591, 100])
    await follow('fast', 30, () => -90)
    expect([shown('fast', 30, -1), shown('fast', 100, -1), shown('fast', -5, -200)]).toEqual([31, 101, 0])
  })

  it('is shown shifted in the columns of the page, with its latencies', async () => {
    system = await createSystem(['fast'])
    const [older, newer] = [every(1, 500, 101, { latency_ms: 10 }), every(1, 100, -90, { latency_ms: 70 })]
    await system.write('fast', [...older, ...newer])
    const range = rangeOf(system.files, 300, system.now)
    const columns = columnsOf(system.files, range, 0)
    expect(columns.reduce((sum, [, good]) => sum + good, 0)).toBe(299)
    for (const [at, , , , p50] of columns) {
      expect(at).toBeLessThanOrEqual(system.now)
      // The first of the newer lines was written 190 s ago.
      if (Math.abs(system.now - 190_000 - at) > 3_000) expect(p50).toBeCloseTo(at > system.now - 190_000 ? 70 : 10, -1)
    }
  })

  it('is shown up to now if all of its lines are ahead', async () => {
    system = await createSystem(['fast'])
    await system.write('fast', every(1, -86, -90))
    expect(partsOf(system.files, rangeOf(system.files, 900, system.now), system.health()).progress.newest).toBe(
      system.now,
    )
    expect(shown('fast', 10, -1)).toBe(5)
  })

  it.each([
    ['alone', []],
    ['after the others', ['shop']],
  ])('is shown shifted by 20 hours, read %s', async (_, before) => {
    system = await createSystem(['far', 'shop'])
    for (const service of before) await system.write(service, every(1, 600, 0))
    await system.write('far', every(1, -70_000, -72_000))
    expect([shown('far', 800, -5), shown('far', 50, 0), shown('far', -69_000, -80_000)]).toEqual([801, 50, 0])
    for (const service of before) expect(shown(service, 600, -5)).toBe(601)
    expect(rangeOf(system.files, 900, system.now)).toMatchObject({ isNow: true })
    await follow('far', 10, () => -72_000)
    expect(shown('far', 50, -1)).toBe(51)
  })

  it('is shown shifted from its first line on if it was followed from there', async () => {
    system = await createSystem(['fast'])
    await follow('fast', 60, () => -90)
    expect([shown('fast', 60, -1), shown('fast', -5, -200)]).toEqual([60, 0])
  })

  it('is shown shifted if its history arrives in pieces, through a pipe or over HTTP', async () => {
    system = await createSystem(['fast'])
    const history = every(1, 500, -90)
    for (let from = 0; from < history.length; from += 20) {
      await system.write('fast', history.slice(from, from + 20))
      system.now += 10
    }
    expect([shown('fast', 700, -5), shown('fast', 100, -1), shown('fast', -5, -200)]).toEqual([591, 101, 0])
  })

  it('is shown shifted if it is a minute slow, its history included', async () => {
    system = await createSystem(['slow'])
    await system.write('slow', every(1, 360, 60))
    await follow('slow', 30, () => 60)
    expect([shown('slow', 30, -1), shown('slow', 331, -1), shown('slow', 1_000, -1)]).toEqual([31, 331, 331])
  })

  it('has the hops and health checks of its lines at the same time as its requests', async () => {
    system = await createSystem(['fast'])
    await follow('fast', 40, () => -90, { path: '/healthz' })
    const { probes } = summarize(system.files, { from: system.now - 20_000, to: system.now + 1_000 })
    expect(probes.requests).toBe(21)
  })

  it.each([90, 94.4, 834.6])(
    'has its hops in the slots of its requests, found before or after the shift of %s s',
    async (by) => {
      system = await createSystem(['fast', 'shop'])
      const { outer, inner } = pairs(500, 1, by)
      // Hops of the first half are found as they are read, those of the second one after the shift is known.
      await system.write('shop', outer.slice(0, 250))
      await system.write('fast', inner)
      await system.write('shop', outer.slice(250))
      expect(slotsOf('fast')).toEqual({ wrong: 0, hops: [500, 500, 500] })
      expect(slotsOf('shop').hops).toEqual([0, 0, 0])
    },
  )

  it('has its hops and health checks in the right slots while its clock goes wrong and is set right', async () => {
    system = await createSystem(['shop', 'other'])
    const late: Line[][] = []
    let second = 0
    for (const by of [0, 90, 0]) {
      for (let i = 0; i < 30; i += 1) {
        system.now += 1_000
        second += 1
        const request = { status_code: 200, trace_id: `t${second}` }
        const outer = { ...request, span_id: `o${second}` }
        await system.write('other', [
          { ...request, ago: -by, span_id: `i${second}`, parent_span_id: `o${second}` },
          { status_code: 200, ago: -by, path: '/healthz' },
        ])
        // Half of the callers are read when all is over.
        if (second % 2 === 0) await system.write('shop', [{ ...outer, ago: 0 }])
        else late.push([{ ...outer, ago: 0 }])
      }
    }
    for (const lines of late) await system.write('shop', lines)
    expect(slotsOf('other')).toEqual({ wrong: 0, hops: [90, 90, 90] })
    expect(summarize(system.files)).toMatchObject({ hops: { requests: 90 }, probes: { requests: 90 } })
  })

  it('is shifted together with the line that makes it certain', async () => {
    system = await createSystem(['fast'])
    // The eighth line that is ahead settles the clock.
    await system.write('fast', every(1, -83, -90, { status_code: 503 }))
    const { journal } = system.files
    expect(journal.errors.items).toHaveLength(8)
    for (const { at } of [...journal.errors.items, ...journal.tail.items]) expect(at).toBeLessThanOrEqual(system.now)
    for (const { stepMs } of TIERS)
      expect([...journal.errorGroups.timeline.between(stepMs, system.now + 60_000, system.now + 200_000)]).toEqual([])
  })

  it('has its errors, its tail and its breakers at the time of the reader', async () => {
    system = await createSystem(['fast'])
    await follow('fast', 10, () => -90)
    await follow('fast', 1, () => -90, OPENED)
    await follow('fast', 1, () => -90, { status_code: 503 })
    const { journal } = system.files
    expect(journal.errors.items).toMatchObject([{ at: system.now, status: 503 }])
    expect(journal.tail.items.at(-1)).toMatchObject({ at: system.now, status: 503 })
    const parts = partsOf(system.files, rangeOf(system.files, 900, system.now), system.health())
    expect(parts.lanes).toMatchObject([
      { state: 'open', since: system.now - 1_000, changes: [{ at: system.now - 1_000 }] },
    ])
  })

  it('is shown where it was while its clock was wrong, after it was set right', async () => {
    system = await createSystem(['shop'])
    await follow('shop', 60, () => -90)
    await follow('shop', 60, () => 0)
    expect([shown('shop', 60, -1), shown('shop', 120, 60), shown('shop', -5, -200)]).toEqual([61, 59, 0])
  })

  it('is shown at its own times before its clock went wrong', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 60, 0))
    await follow('shop', 60, () => 0)
    await follow('shop', 60, () => -90)
    expect([shown('shop', 60, -1), shown('shop', 180, 60), shown('shop', -5, -200)]).toEqual([61, 120, 0])
  })
})

describe('a clock that is not constantly wrong', () => {
  const jitter = (second: number): number => ((second * 7) % 9) - 4

  it('is not shifted because of jitter around the reader’s clock', async () => {
    system = await createSystem(['shop'])
    await follow('shop', 100, jitter)
    expect(system.service('shop').clock_ahead_ms).toBe(0)
    expect(shown('shop', 200, -5)).toBe(100)
    const own = Array.from({ length: 100 }, (_, second) => 99 - second + jitter(second)).filter(
      (ago) => ago <= 50 && ago > 0,
    )
    expect(shown('shop', 50, 0)).toBe(own.length)
  })

  it('is shifted by about as much as it is ahead if it also jitters, and no line is lost or counted twice', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 300, -90))
    await follow('shop', 100, (second) => -90 + Math.abs(jitter(second)))
    expect(shown('shop', 1_000, -10)).toBe(491)
    expect(Math.abs(shown('shop', 100, 0) - 100)).toBeLessThanOrEqual(4)
    expect(shown('shop', -10, -200)).toBe(0)
  })

  it('is not shifted because of one wrong date', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', [...every(1, 100, 1), { ago: -72_000, status_code: 200 }, ...every(1, 0, 0)])
    await follow('shop', 10, () => 0)
    expect([shown('shop', 200, -5), shown('shop', -71_000, -73_000)]).toEqual([111, 1])
  })

  it('is not shifted because an old file is read', async () => {
    system = await createSystem(['shop'])
    await system.write('shop', every(1, 4_000, 3_000))
    expect([shown('shop', 4_001, 2_999), shown('shop', 100, -5)]).toEqual([1_001, 0])
  })
})
