import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CacheEntries, type CacheEntry } from '../cache-entries.ts'

const TIMES = { ttlMs: 10, staleWhileRevalidateMs: 5, staleIfErrorMs: 20 }

interface Step {
  readonly do: 'begin' | 'store' | 'use' | 'refresh' | 'fail' | 'wait' | 'delete' | 'retract' | 'clear'
  readonly key: string
  /** How many milliseconds to wait, or the index of the run in flight that stores its value. */
  readonly n: number
}

const keys = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '')
const step = fc.record<Step>({
  // Repeated entries weight the choice.
  do: fc.constantFrom(
    ...(['begin', 'begin', 'begin', 'begin', 'store', 'store', 'store', 'store', 'use', 'use', 'use'] as const),
    ...(['refresh', 'fail', 'wait', 'wait', 'delete', 'retract', 'clear'] as const),
  ),
  key: keys,
  n: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_200 })),
})
const steps = fc.array(step, { minLength: 20, maxLength: 80 })

interface Stored {
  readonly key: string
  readonly value: number
  readonly storedMs: number
  readonly run: number
  refreshing: boolean
  pausedUntilMs: number
}

/** A plain list, least recently used first, with an unbounded memory of deletions. */
class Oracle {
  list: Stored[] = []
  runs = 0
  readonly deletions: { readonly key: string | undefined; readonly run: number }[] = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  find(key: string): Stored | undefined {
    return this.list.find((stored) => stored.key === key)
  }

  use(key: string): Stored | undefined {
    const found = this.find(key)
    if (found !== undefined) this.list = [...this.list.filter((stored) => stored !== found), found]
    return found
  }

  store(key: string, value: number, run: number, now: number): void {
    if (this.deletions.some((deletion) => (deletion.key ?? key) === key && run < deletion.run)) return
    const found = this.find(key)
    if (found !== undefined && found.run > run) return
    this.list = this.list.filter((stored) => stored !== found)
    if (this.list.length === this.#max) this.list.shift()
    this.list.push({ key, value, storedMs: now, run, refreshing: false, pausedUntilMs: 0 })
  }

  delete(key: string | undefined): void {
    this.runs += 1
    this.deletions.push({ key, run: this.runs })
    this.list = this.list.filter((stored) => key !== undefined && stored.key !== key)
  }
}

describe('CacheEntries', () => {
  test('agrees with a plain list on LRU order, ages, runs, deletions and refreshes', () => {
    let evictions = 0
    let dropped = 0
    fc.assert(
      // The next test covers more deleted keys than the entries remember.
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (max, todo) => {
        const removed: number[] = []
        const entries = new CacheEntries<number>(max, TIMES, ({ value }) => removed.push(value))
        const oracle = new Oracle(max)
        const runs: { key: string; run: number }[] = []
        let now = 0
        let deletedKeys = new Set<string>()
        for (const step of todo) {
          const before = oracle.list.map(({ value }) => value)
          removed.length = 0
          if (step.do === 'begin') {
            const run = entries.startRun()
            oracle.runs += 1
            expect(run).toBe(oracle.runs)
            runs.push({ key: step.key, run })
          } else if (step.do === 'store' || step.do === 'retract') {
            const [ended] = runs.splice(step.n % Math.max(1, runs.length), 1)
            if (ended === undefined) continue
            if (step.do === 'retract') {
              entries.retract(ended.key, ended.run)
              oracle.list = oracle.list.filter(({ key, run }) => key !== ended.key || run > ended.run)
            } else {
              const size = oracle.list.length
              entries.store(ended.key, ended.run, ended.run, now)
              oracle.store(ended.key, ended.run, ended.run, now)
              if (oracle.find(ended.key)?.run !== ended.run) dropped += 1
              else if (size === max && removed.length > 0) evictions += 1
            }
          } else if (step.do === 'use') {
            expect(entries.use(step.key)?.value).toBe(oracle.use(step.key)?.value)
          } else if (step.do === 'delete') {
            // Beyond this bound of remembered deletions the cache may store less than the model.
            deletedKeys.add(step.key)
            if (deletedKeys.size > max) return
            expect(entries.delete(step.key)).toBe(oracle.find(step.key) !== undefined)
            oracle.delete(step.key)
          } else if (step.do === 'clear') {
            entries.clear()
            oracle.delete(undefined)
            deletedKeys = new Set()
          } else if (step.do === 'refresh') {
            const [entry, stored] = [entries.use(step.key), oracle.use(step.key)]
            if (entry === undefined || stored === undefined) continue
            const mayRefresh = !stored.refreshing && now >= stored.pausedUntilMs
            expect(entries.tryRefresh(entry, now)).toBe(mayRefresh)
            if (mayRefresh) stored.refreshing = true
          } else if (step.do === 'fail') {
            const [entry, stored] = [entries.use(step.key), oracle.use(step.key)]
            if (entry === undefined || stored === undefined) continue
            entries.refreshFailed(entry, now)
            Object.assign(stored, { refreshing: false, pausedUntilMs: now + 1_000 })
          } else now += step.n

          const values = oracle.list.map(({ value }) => value)
          expect([entries.size, entries.size <= max]).toEqual([values.length, true])
          // The callback received each removed entry once, and no other.
          expect([...removed].sort()).toEqual(before.filter((value) => !values.includes(value)).sort())
          for (const { key, value, storedMs } of oracle.list) {
            const ageMs = now - storedMs
            const stale = entries.staleForError(key, now)
            expect(stale?.value).toBe(ageMs < 30 ? value : undefined)
            if (stale === undefined) continue
            expect([entries.isFresh(stale, now), entries.mayRevalidate(stale, now)]).toEqual([ageMs < 10, ageMs < 15])
          }
        }
      }),
      { numRuns: 2_000 },
    )
    // The interesting cases did occur.
    expect([evictions > 1_000, dropped > 200]).toEqual([true, true])
  })

  test('never stores a run that started before its key was deleted, beyond the bound too', () => {
    const actions = fc.array(fc.record({ key: keys, starts: fc.boolean() }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), actions, (max, todo) => {
        const entries = new CacheEntries<number>(max, TIMES)
        let runs: { readonly key: string; readonly run: number }[] = []
        const deleted: typeof runs = []
        for (const { key, starts } of todo) {
          if (starts) runs.push({ key, run: entries.startRun() })
          else {
            entries.delete(key)
            deleted.push(...runs.filter((run) => run.key === key))
            runs = runs.filter((run) => run.key !== key)
          }
        }
        for (const { key, run } of deleted) entries.store(key, run, run, 0)
        expect(entries.size).toBe(0)
        // Runs that start afterwards are stored.
        for (const { key } of deleted) {
          const run = entries.startRun()
          entries.store(key, run, run, 0)
          expect(entries.use(key)?.value).toBe(run)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('stays within its bound after a million stored and deleted keys', () => {
    let removed = 0
    const entries = new CacheEntries<number>(100, TIMES, () => {
      removed += 1
    })
    for (let n = 0; n < 1_000_000; n += 1) {
      const run = entries.startRun()
      entries.store(`key ${n}`, n, run, 0)
      if (n % 10 === 0) entries.delete(`key ${n - 5}`)
    }
    expect([entries.size <= 100, removed >= 999_900]).toEqual([true, true])
    expect(entries.use('key 999999')?.value).toBe(999_999)
    expect(entries.use('key 999000')).toBeUndefined()
  })

  test('pauses after a failed refresh for a tenth of the ttl, from 1 s to 30 s', () => {
    for (const [ttlMs, pauseMs] of [
      [0, 1_000],
      [5_000, 1_000],
      [60_000, 6_000],
      [86_400_000, 30_000],
    ] as const) {
      const entries = new CacheEntries<number>(1, { ttlMs, staleWhileRevalidateMs: 1e9, staleIfErrorMs: 0 })
      entries.store('a', 1, entries.startRun(), 0)
      const entry = entries.use('a') as CacheEntry<number>
      expect([entries.tryRefresh(entry, ttlMs), entries.tryRefresh(entry, ttlMs)]).toEqual([true, false])
      entries.refreshFailed(entry, ttlMs)
      expect(entries.tryRefresh(entry, ttlMs + pauseMs - 1)).toBe(false)
      expect(entries.tryRefresh(entry, ttlMs + pauseMs)).toBe(true)
    }
  })

  test('the callback for removed entries may delete and clear entries itself', () => {
    const entries: CacheEntries<number> = new CacheEntries(1, TIMES, () => entries.delete('b'))
    const [a, b] = [entries.startRun(), entries.startRun()]
    entries.store('a', 1, a, 0)
    entries.store('b', 2, b, 0)
    expect([entries.use('a'), entries.use('b'), entries.size]).toEqual([undefined, undefined, 0])
    const all: CacheEntries<number> = new CacheEntries(3, TIMES, () => all.clear())
    for (const key of ['a', 'b', 'c']) all.store(key, 1, all.startRun(), 0)
    all.clear()
    expect(all.size).toBe(0)
  })

  test('without staleIfError no entry replaces a failure, not even a fresh one', () => {
    const entries = new CacheEntries<number>(1, { ttlMs: 10, staleWhileRevalidateMs: 10, staleIfErrorMs: 0 })
    entries.store('a', 1, entries.startRun(), 0)
    expect(entries.staleForError('a', 5)).toBeUndefined()
  })
})
