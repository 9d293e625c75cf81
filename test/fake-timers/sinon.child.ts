// Argument: `before` or `after`, for when the library is imported.
import FakeTimers from '@sinonjs/fake-timers'
import { alternate } from './run-child.ts'

let clock: ReturnType<typeof FakeTimers.install>

await alternate(
  {
    enable: () => {
      clock = FakeTimers.install()
    },
    tick: async (ms) => void (await clock.tickAsync(ms)),
    reset: () => clock.uninstall(),
  },
  process.argv[2] === 'after',
)
