import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BulkheadOptions, bulkhead, coalesce, type Shield, shield } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

// Arbitrary trees of calls inside calls. Without the rule for the last permit, most of these trees never end.

interface Tree {
  /** Which bulkhead the call goes through. A call inside another one uses the same bulkhead, or a later one. */
  readonly level: number
  readonly key: string
  readonly lastsMs: number
  readonly priority: number
  readonly abortsMs: number | undefined
  readonly parallel: boolean
  /** Whether the operation survives the failure of a call inside it. */
  readonly catches: boolean
  readonly inside: readonly Tree[]
}

const treeOf = (depth: number): fc.Arbitrary<Tree> =>
  fc.record({
    level: fc.integer({ min: 0, max: 1 }),
    key: fc.constantFrom('a', 'b', 'c'),
    lastsMs: fc.integer({ min: 0, max: 3 }),
    priority: fc.integer({ min: 0, max: 2 }),
    abortsMs: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined, freq: 3 }),
    parallel: fc.boolean(),
    catches: fc.boolean(),
    inside: depth === 0 ? fc.constant([]) : fc.array(treeOf(depth - 1), { maxLength: 3 }),
  })

const options: fc.Arbitrary<BulkheadOptions> = fc.record({
  limit: fc.integer({ min: 1, max: 3 }),
  queue: fc.integer({ min: 0, max: 4 }),
  order: fc.constantFrom('fifo', 'lifo', 'priority'),
})

const plan = fc.record({
  bulkheads: fc.array(options, { minLength: 3, maxLength: 3 }),
  calls: fc.array(fc.record({ startsMs: fc.integer({ min: 0, max: 4 }), tree: treeOf(3) }), {
    minLength: 1,
    maxLength: 6,
  }),
})

const sleep = (clock: VirtualClock, ms: number): Promise<void> => new Promise((go) => void clock.setTimer(go, ms))

/** Runs all trees. `run` makes one call; a test decides how. */
async function play(
  clock: VirtualClock,
  calls: readonly { readonly startsMs: number; readonly tree: Tree }[],
  run: (tree: Tree, level: number, operation: () => Promise<string>) => Promise<string>,
): Promise<PromiseSettledResult<string>[]> {
  const start = (tree: Tree, outer: number): Promise<string> => {
    const level = Math.min(2, outer + tree.level)
    return run(tree, level, async () => {
      const begin = (inner: Tree) => (tree.catches ? start(inner, level).catch(() => 'caught') : start(inner, level))
      await sleep(clock, tree.lastsMs)
      if (tree.parallel) await Promise.all(tree.inside.map(begin))
      else for (const inner of tree.inside) await begin(inner)
      return 'ok'
    })
  }
  let results: PromiseSettledResult<string>[] | undefined
  const all = Promise.allSettled(calls.map(({ startsMs, tree }) => sleep(clock, startsMs).then(() => start(tree, 0))))
  void all.then((settled) => (results = settled))
  await clock.advance('1m')
  if (results === undefined) throw new Error('calls wait for each other')
  return results
}

const restOf = (s: Shield<never, unknown, never>): unknown => {
  const { inUse, queued } = s.status().policies[0] as Record<string, unknown>
  return { inUse, queued }
}

describe('any tree of calls inside calls', () => {
  test('ends, returns all permits, and never runs more operations than the limit', async () => {
    let [itself, waited, ok] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(plan, async ({ bulkheads, calls }) => {
        const clock = virtualClock()
        const running = bulkheads.map(() => 0)
        const shields = bulkheads.map((settings, level) => shield({ name: `${level}`, clock }, bulkhead(settings)))
        const results = await play(clock, calls, (tree, level, operation) => {
          const controller = new AbortController()
          if (tree.abortsMs !== undefined) clock.setTimer(() => controller.abort(), tree.abortsMs)
          const { limit = 0 } = bulkheads[level] ?? {}
          const startsMs = clock.now()
          const call = (shields[level] as Shield).run(
            async () => {
              if (clock.now() > startsMs) waited += 1
              running[level] = (running[level] ?? 0) + 1
              if ((running[level] ?? 0) > limit) throw new RangeError('more than the limit')
              try {
                return await operation()
              } finally {
                running[level] = (running[level] ?? 0) - 1
              }
            },
            { priority: tree.priority, signal: controller.signal },
          )
          call.catch((error) => {
            if (/itself/.test(error.message)) itself += 1
          })
          return call
        })
        for (const result of results) {
          if (result.status === 'fulfilled') ok += 1
          else expect(result.reason).not.toBeInstanceOf(RangeError)
        }
        expect(shields.map(restOf)).toEqual(shields.map(() => ({ inUse: 0, queued: 0 })))
        expect([running, clock.pending]).toEqual([[0, 0, 0], 0])
      }),
      { numRuns: 5000 },
    )
    expect(Math.min(itself, waited, ok)).toBeGreaterThan(20)
  })

  test('ends too if calls of one bulkhead share flights, whichever joins when', async () => {
    let [itself, joined, ok] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(plan, async ({ bulkheads, calls }) => {
        const clock = virtualClock()
        const limiter = bulkhead(bulkheads[0] as BulkheadOptions)
        const plain = shield({ name: 'plain', clock }, limiter)
        const inside = shield({ name: 'inside', clock }, limiter, coalesce())
        const outside = shield({ name: 'outside', clock }, coalesce(), limiter)
        const flights = shield({ name: 'flights', clock }, coalesce())
        const ways = [plain, inside, outside, flights]
        const results = await play(clock, calls, (tree, _level, operation) => {
          const way = ways[(tree.priority + tree.lastsMs + tree.level) % ways.length] as typeof inside
          const call = way.run(operation, { key: tree.key, priority: tree.priority })
          call.catch((error) => {
            if (/a call waits for itself/.test(error.message)) itself += 1
          })
          return call
        })
        ok += results.filter(({ status }) => status === 'fulfilled').length
        for (const { status } of [inside, outside, flights].map((s) => ({ status: s.status().policies }))) {
          for (const policy of status) joined += (policy['joined'] as number | undefined) ?? 0
        }
        expect(restOf(plain)).toEqual({ inUse: 0, queued: 0 })
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 500 },
    )
    expect(Math.min(itself, joined, ok)).toBeGreaterThan(20)
  })
})
