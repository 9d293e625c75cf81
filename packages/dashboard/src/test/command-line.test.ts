import { expect, test } from 'vitest'
import { readCommand } from '../command-line.ts'

test('the port comes from the flag, else from the environment, else it is 8501', () => {
  expect(readCommand(['--port', '1', 'a'], { ESCUDO_DASHBOARD_PORT: '2' })).toMatchObject({ port: 1 })
  expect(readCommand(['--port=1', 'a'], {})).toMatchObject({ port: 1 })
  expect(readCommand(['a'], { ESCUDO_DASHBOARD_PORT: '2' })).toMatchObject({ port: 2 })
  expect(readCommand(['a'], { ESCUDO_DASHBOARD_PORT: '' })).toMatchObject({ port: 8501 })
})

test('the browser may open by itself unless --no-open forbids it', () => {
  expect(readCommand(['a'], {})).toMatchObject({ mayOpen: true })
  expect(readCommand(['a', '--no-open'], {})).toMatchObject({ mayOpen: false })
})

test('files may stand before and after flags, and behind -- may look like flags', () => {
  expect(readCommand(['a', '--once', 'b', '--json', '--', '--c'], {})).toEqual({
    kind: 'once',
    files: ['a', 'b', '--c'],
  })
})

test.each([
  [['--nope', 'a'], {}, 'unknown flag --nope'],
  [['-x', 'a'], {}, 'unknown flag -x'],
  [['--port'], {}, '--port needs a value'],
  [['--port', '0', 'a'], {}, '--port takes a port'],
  [['--port', '8e1', 'a'], {}, '--port takes a port'],
  [['a'], { ESCUDO_DASHBOARD_PORT: '99999' }, 'ESCUDO_DASHBOARD_PORT takes a port'],
  [['--once', 'a'], {}, '--once and --json go together'],
  [['--json=no', '--once', 'a'], {}, '--json takes no value'],
  [[], {}, 'name at least one log file'],
])('%j is refused in one line that says why', (args, env, message) => {
  let refused: unknown
  try {
    readCommand(args, env)
  } catch (error) {
    refused = error
  }
  expect(String(refused)).toContain(message)
  expect(String(refused)).not.toContain('\n')
})
