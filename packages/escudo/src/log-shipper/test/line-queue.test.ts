import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineQueue } from '../line-queue.ts'

const BATCH_MAX = 40
const MAX = 200

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), length: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const), length: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), length: fc.constant(0) }) },
)

test('keeps every line it accepted, once and in order, within both bounds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new LineQueue(BATCH_MAX, MAX)
      const accepted: string[] = []
      const left: string[] = []
      let taken: string | undefined
      for (const [index, { do: what, length }] of steps.entries()) {
        const waiting = accepted.slice(left.length)
        const waitingLength = waiting.join('').length
        if (what === 'add') {
          const line = `${index}`.padEnd(length, '.').concat('\n')
          const fits = waitingLength + line.length <= MAX
          expect(queue.add(line)).toBe(fits)
          if (fits) accepted.push(line)
        } else if (what === 'take') {
          const batch = queue.take()
          // The same batch again until it is dropped, without later lines.
          if (taken !== undefined) expect(batch?.lines).toBe(taken)
          taken = batch?.lines
          expect(waiting.join('').startsWith(taken ?? '')).toBe(true)
        } else {
          const batch = queue.take()
          queue.drop()
          taken = undefined
          left.push(...waiting.slice(0, batch?.count ?? 0))
          expect(batch?.lines ?? '').toBe(waiting.slice(0, batch?.count ?? 0).join(''))
        }
        const all = queue.all()
        expect(all.map(({ lines }) => lines).join('')).toBe(accepted.slice(left.length).join(''))
        expect(queue.count).toBe(accepted.length - left.length)
        for (const { lines, count } of all) expect(lines.length <= BATCH_MAX || count === 1).toBe(true)
      }
    }),
    { numRuns: 1_000 },
  )
})
