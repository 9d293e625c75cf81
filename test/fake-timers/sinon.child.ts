// Argument: `before` or `after`, for when the library is imported.
import FakeTimers from '@sinonjs/fake-timers'
import { alternate } from './run-child.ts'

// biome-ignore lint/suspicious/noExplicitAny: the package has no types
let clock: any

await alternate(
  {
    enable: () => {
      clock = FakeTimers.install()
    },
    tick: (ms) => clock.tickAsync(ms),
    reset: () => clock.uninstall(),
  },
  process.argv[2] === 'after',
)
