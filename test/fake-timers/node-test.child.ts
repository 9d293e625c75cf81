// Arguments: the functions to fake, separated by commas, and `before` or `after` for when the library is imported.
import { mock } from 'node:test'
import { alternate } from './run-child.ts'
import { inSteps } from './tools.ts'

const [, , apis = '', imported] = process.argv
type Apis = NonNullable<Parameters<typeof mock.timers.enable>[0]>['apis']

await alternate(
  {
    enable: () => mock.timers.enable(apis === '' ? undefined : { apis: apis.split(',') as unknown as Apis }),
    tick: inSteps((ms) => mock.timers.tick(ms)),
    reset: () => mock.timers.reset(),
    waitsOnly: apis !== '' && !apis.includes('Date'),
  },
  imported === 'after',
)
