import * as cockatiel from 'cockatiel'
import { Cause } from 'effect'
import { TimeoutError, timeout } from 'escudo'
import type { Group } from '../harness.ts'
import * as effect from './effect.ts'
import { caughtAtOnce, failure, never } from './operations.ts'
import { ours } from './ours.ts'
import { cockatielTimeout } from './peers.ts'

const AT_ONCE = 1_000
const AFTER_MS = 5

const together: Group = {
  name: 'timeout alone, a thousand calls time out together',
  // A thousand operations that never settle time out together after 5 ms.
  // The bare case is a manual timeout: a timer for each call, which rejects with an existing error.
  build: () => {
    const our = ours('timing-out', timeout(AFTER_MS))
    const their = cockatielTimeout(AFTER_MS)
    const program = effect.withTimeout(effect.operation(never), AFTER_MS)
    const manual = (): Promise<number> =>
      Promise.race([never(), new Promise<never>((_, reject) => setTimeout(reject, AFTER_MS, failure))])
    return [
      { by: 'bare', run: caughtAtOnce(AT_ONCE, manual, (error) => error === failure), atOnce: AT_ONCE },
      {
        by: 'escudo',
        run: caughtAtOnce(
          AT_ONCE,
          () => our.run(never),
          (error) => error instanceof TimeoutError,
        ),
        atOnce: AT_ONCE,
      },
      {
        by: 'cockatiel',
        run: caughtAtOnce(
          AT_ONCE,
          () => their.execute(never),
          (error) => error instanceof cockatiel.TaskCancelledError,
        ),
        atOnce: AT_ONCE,
      },
      { by: 'effect', run: caughtAtOnce(AT_ONCE, effect.runner(program), Cause.isTimeoutError), atOnce: AT_ONCE },
    ]
  },
}

/** The cost of a timeout that fires. */
export const timeouts: readonly Group[] = [together]
