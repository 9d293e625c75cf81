import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CacheEntries, type CacheEntry } from '../cache-entries.ts'

const TIMES = { ttlMs: 10, staleWhileRevalidateMs: 5, staleIfErrorMs: 20 }

interface Step {
  readonly do: 'begin' | 'store' | 'use' | 'refresh' | 'fail' | 'wait' | 'delete' | 'retract' | 'clear'
  readonly key: string
  /** Milliseconds to wait, or which of the runs under way stores its value. */
  readonly n: number
}

const keys = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '')
const step = fc.record<Step>({
  // What is done most stands here most often.
  do: fc.constantFrom(
    ...(['begin', 'begin', 'begin', 'begin', 'store', 'store', 'store', 'store', 'use', 'use', 'use'] as const),
    ...(['refresh', 'fail', 'wait', 'wait', 'delete', 'retract', 'clear'] as const),
  ),
  key: keys,
  n: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_200 })),
})
const steps = fc.array(step, { minLength: 20, maxLength: 80 })

interface Kept {
  readonly key: string
  readonly value: number
  readonly storedMs: number
  readonly run: number
  refreshing: boolean
  pausedUntilMs: number
}

/** The same as a plain list that is searched, least recent use first, with an endless memory of deletions. */
class Oracle {
  list: Kept[] = []
  runs = 0
  readonly deletions: { readonly key: string | undefined; readonly run: number }[] = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  find(key: string): Kept | undefined {
    return this.list.find((one) => one.key === key)
  }

  use(key: string): Kept | undefined {
    const found = this.find(key)
    if (found !== undefined) this.list = [...this.list.filter((one) => one !== found), found]
    return found
  }

  store(key: string, value: number, run: number, now: number): void {
    if (this.deletions.some((one) => (one.key === key || one.key === undefined) && run < one.run)) return
    const found = this.find(key)
    if (found !== undefined && found.run > run) return
    this.list = this.list.filter((one) => one !== found)
    if (this.list.length === this.#max) this.list.shift()
    this.list.push({ key, value, storedMs: now, run, refreshing: false, pausedUntilMs: 0 })
  }

  delete(key: string | undefined): void {
    this.runs += 1
    this.deletions.push({ key, run: this.runs })
    this.list = this.list.filter((one) => key !== undefined && one.key !== key)
  }
}

describe('the values of a cache', () => {
  test('agree with a list that is searched, whatever is done to them: LRU, ages, runs, deletions, refreshes', () => {
    let evictions = 0
    let refused = 0
    fc.assert(
      // With four entries no deletion of six keys' is forgotten before the model would: see the next test for the bound.
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (max, todo) => {
        const gone: number[] = []
        const entries = new CacheEntries<number>(max, TIMES, ({ value }) => gone.push(value))
        const oracle = new Oracle(max)
        const begun: { key: string; run: number }[] = []
        let now = 0
        let deletedKeys = new Set<string>()
        for (const step of todo) {
          const before = oracle.list.map(({ value }) => value)
          gone.length = 0
          if (step.do === 'begin') {
            const run = entries.begin()
            oracle.runs += 1
            expect(run).toBe(oracle.runs)
            begun.push({ key: step.key, run })
          } else if (step.do === 'store' || step.do === 'retract') {
            const [one] = begun.splice(step.n % Math.max(1, begun.length), 1)
            if (one === undefined) continue
            if (step.do === 'retract') {
              entries.retract(one.key, one.run)
              oracle.list = oracle.list.filter(({ key, run }) => key !== one.key || run > one.run)
            } else {
              const held = oracle.list.length
              entries.store(one.key, one.run, one.run, now)
              oracle.store(one.key, one.run, one.run, now)
              if (oracle.find(one.key)?.run !== one.run) refused += 1
              else if (held === max && gone.length > 0) evictions += 1
            }
          } else if (step.do === 'use') {
            expect(entries.use(step.key)?.value).toBe(oracle.use(step.key)?.value)
          } else if (step.do === 'delete') {
            // Beyond the bound of what is remembered the cache may keep less than the model.
            deletedKeys.add(step.key)
            if (deletedKeys.size > max) return
            expect(entries.delete(step.key)).toBe(oracle.find(step.key) !== undefined)
            oracle.delete(step.key)
          } else if (step.do === 'clear') {
            entries.clear()
            oracle.delete(undefined)
            deletedKeys = new Set()
          } else if (step.do === 'refresh') {
            const [entry, kept] = [entries.use(step.key), oracle.use(step.key)]
            if (entry === undefined || kept === undefined) continue
            const may = !kept.refreshing && now >= kept.pausedUntilMs
            expect(entries.tryRefresh(entry, now)).toBe(may)
            if (may) kept.refreshing = true
          } else if (step.do === 'fail') {
            const [entry, kept] = [entries.use(step.key), oracle.use(step.key)]
            if (entry === undefined || kept === undefined) continue
            entries.refreshFailed(entry, now)
            Object.assign(kept, { refreshing: false, pausedUntilMs: now + 1_000 })
          } else now += step.n

          const kept = oracle.list.map(({ value }) => value)
          expect([entries.size, entries.size <= max]).toEqual([kept.length, true])
          // Each that has left was told of, once, and no other.
          expect([...gone].sort()).toEqual(before.filter((value) => !kept.includes(value)).sort())
          for (const { key, value, storedMs } of oracle.list) {
            const ageMs = now - storedMs
            const spare = entries.spare(key, now)
            expect(spare?.value).toBe(ageMs < 30 ? value : undefined)
            if (spare === undefined) continue
            expect([entries.isFresh(spare, now), entries.servesMeanwhile(spare, now)]).toEqual([ageMs < 10, ageMs < 15])
          }
        }
      }),
      { numRuns: 2_000 },
    )
    // The property is about something.
    expect([evictions > 1_000, refused > 200]).toEqual([true, true])
  })

  test('what was under way when its key was deleted never comes back, also beyond the bound of what is remembered', () => {
    const deeds = fc.array(fc.record({ key: keys, begins: fc.boolean() }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), deeds, (max, todo) => {
        const entries = new CacheEntries<number>(max, TIMES)
        let begun: { readonly key: string; readonly run: number }[] = []
        const deleted: typeof begun = []
        for (const { key, begins } of todo) {
          if (begins) begun.push({ key, run: entries.begin() })
          else {
            entries.delete(key)
            deleted.push(...begun.filter((one) => one.key === key))
            begun = begun.filter((one) => one.key !== key)
          }
        }
        for (const { key, run } of deleted) entries.store(key, run, run, 0)
        expect(entries.size).toBe(0)
        // And what begins afterwards is kept.
        for (const { key } of deleted) {
          const run = entries.begin()
          entries.store(key, run, run, 0)
          expect(entries.use(key)?.value).toBe(run)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('a million keys, stored and deleted, leave no more than the bound', () => {
    let gone = 0
    const entries = new CacheEntries<number>(100, TIMES, () => {
      gone += 1
    })
    for (let n = 0; n < 1_000_000; n += 1) {
      const run = entries.begin()
      entries.store(`key ${n}`, n, run, 0)
      if (n % 10 === 0) entries.delete(`key ${n - 5}`)
    }
    expect([entries.size <= 100, gone >= 999_900]).toEqual([true, true])
    expect(entries.use('key 999999')?.value).toBe(999_999)
    expect(entries.use('key 999000')).toBeUndefined()
  })

  test('the pause after a refresh that failed is a tenth of the ttl, at least a second and at most thirty', () => {
    for (const [ttlMs, pauseMs] of [
      [0, 1_000],
      [5_000, 1_000],
      [60_000, 6_000],
      [86_400_000, 30_000],
    ] as const) {
      const entries = new CacheEntries<number>(1, { ttlMs, staleWhileRevalidateMs: 1e9, staleIfErrorMs: 0 })
      entries.store('a', 1, entries.begin(), 0)
      const entry = entries.use('a') as CacheEntry<number>
      expect([entries.tryRefresh(entry, ttlMs), entries.tryRefresh(entry, ttlMs)]).toEqual([true, false])
      entries.refreshFailed(entry, ttlMs)
      expect(entries.tryRefresh(entry, ttlMs + pauseMs - 1)).toBe(false)
      expect(entries.tryRefresh(entry, ttlMs + pauseMs)).toBe(true)
    }
  })

  test('whoever hears that an entry is gone may come back: what he deletes then stays deleted', () => {
    const entries: CacheEntries<number> = new CacheEntries(1, TIMES, () => entries.delete('b'))
    const [a, b] = [entries.begin(), entries.begin()]
    entries.store('a', 1, a, 0)
    entries.store('b', 2, b, 0)
    expect([entries.use('a'), entries.use('b'), entries.size]).toEqual([undefined, undefined, 0])
    const all: CacheEntries<number> = new CacheEntries(3, TIMES, () => all.clear())
    for (const key of ['a', 'b', 'c']) all.store(key, 1, all.begin(), 0)
    all.clear()
    expect(all.size).toBe(0)
  })

  test('without staleIfError nothing stands in for a failure, not even what is fresh', () => {
    const entries = new CacheEntries<number>(1, { ttlMs: 10, staleWhileRevalidateMs: 10, staleIfErrorMs: 0 })
    entries.store('a', 1, entries.begin(), 0)
    expect(entries.spare('a', 5)).toBeUndefined()
  })
})
