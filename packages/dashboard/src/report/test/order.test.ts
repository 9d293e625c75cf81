import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rangeOf } from '../view.ts'
import { createSystem, type Line } from './setup.ts'

it('gives the same verdict for any order of the lines', async () => {
  const line = fc
    .record({
      ago: fc.integer({ min: -4_000, max: 58_000 }).map((ms) => ms / 1_000),
      status_code: fc.constantFrom(200, 200, 200, 404, 500),
      latency_ms: fc.integer({ min: 0, max: 9_000 }),
      degraded: fc.boolean(),
      log_level: fc.constantFrom('info', 'critical'),
      service: fc.constantFrom('a', 'b'),
      span: fc.integer({ min: 1, max: 3 }),
      parent: fc.constantFrom('a-1', 'b-1', 'a-2', 'x'),
      trace_id: fc.constantFrom('t', 'u', undefined),
      isRoot: fc.boolean(),
    })
    .map(({ span, parent, isRoot, ...rest }) => {
      const service = isRoot ? 'root' : rest.service
      return { ...rest, service, span_id: `${service}-${span}`, ...(isRoot ? {} : { parent_span_id: parent }) }
    })
  const orders = fc
    .array(line, { minLength: 1, maxLength: 40 })
    .chain((lines) =>
      fc.tuple(fc.constant(lines), fc.shuffledSubarray(lines, { minLength: lines.length, maxLength: lines.length })),
    )
  await fc.assert(
    fc.asyncProperty(orders, async (both) => {
      const seen: unknown[] = []
      for (const lines of both) {
        const one = await createSystem(['all'])
        await one.write('all', lines as Line[])
        seen.push({ ...one.health(), range: rangeOf(one.files, 900, one.now) })
        await one.remove()
      }
      expect(seen[1]).toEqual(seen[0])
    }),
    { numRuns: 100 },
  )
})
