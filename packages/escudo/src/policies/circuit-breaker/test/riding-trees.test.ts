import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { setUp } from './setup.ts'

// Arbitrary trees of calls inside calls, at any time in the life of a circuit.

interface Tree {
  readonly lastsMs: number
  readonly end: 'ok' | 'down' | 'hang'
  readonly abortsMs: number | undefined
  readonly deadlineMs: number
  readonly parallel: boolean
  /** Whether the operation survives the failure of a call inside it. */
  readonly catches: boolean
  readonly inside: readonly Tree[]
}

/** One operation that runs. */
interface Running {
  readonly around: Running | undefined
  readonly generation: number
  /** Whether its call has settled. An operation that ignores its signal may still run. */
  over: boolean
}

const treeOf = (depth: number): fc.Arbitrary<Tree> =>
  fc.record({
    lastsMs: fc.integer({ min: 0, max: 3 }),
    end: fc.constantFrom('ok', 'ok', 'ok', 'down', 'hang'),
    abortsMs: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined, freq: 3 }),
    deadlineMs: fc.integer({ min: 5, max: 30 }),
    parallel: fc.boolean(),
    catches: fc.boolean(),
    inside: depth === 0 ? fc.constant([]) : fc.array(treeOf(depth - 1), { maxLength: 3 }),
  })

const plan = fc.record({
  halfOpen: fc.record({
    probes: fc.integer({ min: 1, max: 3 }),
    closeAt: fc.constantFrom(0.3, 0.5, 1),
    lease: fc.integer({ min: 2, max: 40 }),
  }),
  calls: fc.array(fc.record({ startsMs: fc.integer({ min: 8, max: 30 }), tree: treeOf(3) }), {
    minLength: 1,
    maxLength: 6,
  }),
})

test('calls inside probes never block a circuit, and no trial runs more than its probes', async () => {
  let [rode, refused, closed] = [0, 0, 0]
  await fc.assert(
    fc.asyncProperty(plan, async ({ halfOpen, calls }) => {
      const { clock, breaker, s, changes } = setUp({ openFor: 10, halfOpen })
      const context = new AsyncLocalStorage<Running>()
      const running = new Set<Running>()
      const sleep = (ms: number) => new Promise<void>((go) => void clock.setTimer(go, ms))
      s.on('executed', ({ outcome }) => {
        if (outcome === 'ignored') rode += 1
      })

      /** Each probe is a chain of calls, each inside the one before. The chains are counted by their last calls. */
      const chains = (generation: number): number => {
        const inTrial = [...running].filter((one) => {
          for (let next: Running | undefined = one; next !== undefined; next = next.around) if (next.over) return false
          return one.generation === generation
        })
        const around = new Set(inTrial.map((one) => one.around))
        return inTrial.filter((one) => !around.has(one)).length
      }

      const start = async (tree: Tree): Promise<void> => {
        let self: Running | undefined
        const controller = new AbortController()
        if (tree.abortsMs !== undefined) clock.setTimer(() => controller.abort(), tree.abortsMs)
        const operation = async (): Promise<void> => {
          self = { around: context.getStore(), generation: changes.length, over: false }
          running.add(self)
          if (breaker.state === 'half-open') expect(chains(changes.length)).toBeLessThanOrEqual(halfOpen.probes)
          await context.run(self, async () => {
            const begin = (inner: Tree) => (tree.catches ? start(inner).catch(() => {}) : start(inner))
            await sleep(tree.lastsMs)
            if (tree.parallel) await Promise.all(tree.inside.map(begin))
            else for (const inner of tree.inside) await begin(inner)
            if (tree.end === 'hang') await new Promise(() => {})
            if (tree.end === 'down') throw new Error('down')
          })
        }
        try {
          await s.run(operation, { signal: controller.signal, deadline: tree.deadlineMs })
        } catch (error) {
          if ((error as Error).name === 'AssertionError') broken.push(error)
          if ((error as { code?: string }).code === 'CIRCUIT_OPEN') refused += 1
          throw error
        } finally {
          if (self !== undefined) self.over = true
        }
      }

      const broken: unknown[] = []
      // The first failure opens the circuit.
      await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
      const all = Promise.allSettled(calls.map(({ startsMs, tree }) => sleep(startsMs).then(() => start(tree))))
      await clock.advance('10s')
      await all
      expect(broken).toEqual([])
      // No call is in flight: one success after another closes the circuit, and none is refused.
      for (let n = 0; n < halfOpen.probes && breaker.state === 'half-open'; n += 1) await s.run(() => 'ok')
      expect(breaker.state).toBe('closed')
      if (changes.some(({ to, at }) => to === 'closed' && at < 1_000)) closed += 1
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 400 },
  )
  expect(Math.min(rode, refused, closed)).toBeGreaterThan(20)
})
