import { vi } from 'vitest'
import { type Call, coalesce, type KeyedRunOptions, type Operation, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

// Shared setup of the coalesce tests.

export const DOWN = new Error('down')

export function setUp() {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, coalesce())
  const flights: { call: Call; resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = []
  const operation = vi.fn(
    (call: Call) => new Promise<unknown>((resolve, reject) => flights.push({ call, resolve, reject })),
  )
  /** Runs an operation under the key `k`. Returns its value, or its error as text. */
  const run = (more: Partial<KeyedRunOptions> = {}, custom: Operation<unknown> = operation): Promise<unknown> =>
    s.run(custom, { key: 'k', ...more }).catch((error) => `error: ${error?.code ?? error?.message ?? error}`)
  const status = (): unknown => {
    const { flights: running, waiting } = s.status().policies[0] as Record<string, unknown>
    return [running, waiting]
  }
  return { clock, s, operation, flights, run, status }
}
