// A Jest test. The environment variable IMPORTED is `before` or `after`, for when the library is imported.
import { alternate } from './run-child.ts'

/** The part of Jest that the test uses. */
interface Jest {
  useFakeTimers(): void
  useRealTimers(): void
  advanceTimersByTimeAsync(ms: number): Promise<void>
}

const { jest } = import.meta as unknown as { jest: Jest }
const { test } = globalThis as unknown as { test(name: string, body: () => Promise<void>, timeoutMs: number): void }

test('policies follow fake timers', async () => {
  await alternate(
    {
      enable: () => jest.useFakeTimers(),
      tick: (ms) => jest.advanceTimersByTimeAsync(ms),
      reset: () => jest.useRealTimers(),
    },
    process.env['IMPORTED'] === 'after',
  )
}, 20_000)
