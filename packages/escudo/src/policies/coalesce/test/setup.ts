import { vi } from 'vitest'
import { type Call, coalesce, type KeyedRunOptions, type Operation, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// What the tests of coalesce share.

export const DOWN = new Error('down')

export function setUp() {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, coalesce())
  const flights: { call: Call; resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = []
  const operation = vi.fn(
    (call: Call) => new Promise<unknown>((resolve, reject) => flights.push({ call, resolve, reject })),
  )
  const ask = (more: Partial<KeyedRunOptions> = {}, own: Operation<unknown> = operation): Promise<unknown> =>
    s.run(own, { key: 'k', ...more }).catch((error) => `error: ${error?.code ?? error?.message ?? error}`)
  const status = (): unknown => {
    const { flights: inTheAir, waiting } = s.status().policies[0] as Record<string, unknown>
    return [inTheAir, waiting]
  }
  return { clock, s, operation, flights, ask, status }
}
