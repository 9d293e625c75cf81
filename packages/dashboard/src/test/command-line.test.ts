import { expect, test } from 'vitest'
import { readCommand } from '../command-line.ts'
import { DEFAULT_THRESHOLDS } from '../verdict/thresholds.ts'

test('takes the port from the flag, then from the environment, else uses 8501', () => {
  expect(readCommand(['--port', '1', 'a'], { ESCUDO_DASHBOARD_PORT: '2' })).toMatchObject({ port: 1 })
  expect(readCommand(['--port=1', 'a'], {})).toMatchObject({ port: 1 })
  expect(readCommand(['a'], { ESCUDO_DASHBOARD_PORT: '2' })).toMatchObject({ port: 2 })
  expect(readCommand(['a'], { ESCUDO_DASHBOARD_PORT: '' })).toMatchObject({ port: 8501 })
})

test('allows the browser to open unless --no-open is given', () => {
  expect(readCommand(['a'], {})).toMatchObject({ mayOpen: true })
  expect(readCommand(['a', '--no-open'], {})).toMatchObject({ mayOpen: false })
})

test('accepts files before and after flags, and names after -- that look like flags', () => {
  expect(readCommand(['a', '--once', 'b', '--json', '--', '--c'], {})).toEqual({
    kind: 'once',
    files: ['a', 'b', '--c'],
    declared: { names: {} },
    thresholds: DEFAULT_THRESHOLDS,
  })
})

test('reads declarations, and the standard input as a file', () => {
  const args = ['--format=slog', '--field', 'latency=d.x:us', '--field=status=a', '--field', 'status=b', '-', 'x']
  const path = (name: string): object => ({ flat: name, segments: name.split('.') })
  expect(readCommand(args, {})).toMatchObject({
    files: ['-', 'x'],
    declared: { format: 'slog', names: { status: [path('a'), path('b')] }, latency: { path: path('d.x'), unit: 'us' } },
  })
})

test('reads an objective and limits of the verdict', () => {
  const args = ['a', '--slo', '99.9,300ms', '--threshold', 'failing-share=10%', '--threshold=old-after=1h']
  expect(readCommand(args, {})).toMatchObject({
    thresholds: {
      objective: { share: 0.999, latencyMs: 300 },
      failingShare: 0.1,
      oldAfterMs: 3_600_000,
      failingCount: 5,
    },
  })
})

const TOKEN = 'a-token-of-16-or-more'

test('reads where lines are taken, by default on loopback and without a file', () => {
  const intakeOf = (text: string, env: Record<string, string> = {}): unknown => readCommand(['--intake', text], env)
  const local = { host: '127.0.0.1', port: 4318, token: undefined }
  expect(intakeOf('4318')).toMatchObject({ kind: 'live', files: [], intake: local })
  expect(intakeOf('localhost:4318')).toMatchObject({ intake: { ...local, host: 'localhost' } })
  expect(intakeOf('[::1]:4318')).toMatchObject({ intake: { ...local, host: '::1' } })
  expect(intakeOf('4318', { ESCUDO_DASHBOARD_TOKEN: TOKEN })).toMatchObject({ intake: { ...local, token: TOKEN } })
  expect(intakeOf('0.0.0.0:1', { ESCUDO_DASHBOARD_TOKEN: TOKEN })).toMatchObject({
    intake: { host: '0.0.0.0', token: TOKEN },
  })
  expect(readCommand(['a'], {})).toMatchObject({ intake: undefined })
})

test.each([
  [['--intake', '0.0.0.0:4318'], {}, 'can be reached from other machines: set ESCUDO_DASHBOARD_TOKEN'],
  [['--intake', '[::]:4318'], {}, 'can be reached from other machines'],
  [['--intake', '10.0.0.7:4318'], { ESCUDO_DASHBOARD_TOKEN: '' }, 'can be reached from other machines'],
  [['--intake', '127.0.0.1.evil.example:1'], {}, 'can be reached from other machines'],
  [['--intake', '1'], { ESCUDO_DASHBOARD_TOKEN: 'short' }, 'takes 16 to 200 visible ASCII characters'],
  [['--intake', 'x'], {}, '--intake takes a port'],
  [['--intake', '0'], {}, '--intake takes a port'],
  [['--intake', '1', '--once', '--json', 'a'], {}, 'without --intake'],
  [['--intake', '1', '--report', 'r.html'], {}, 'without --intake'],
  [['--report', 'r.html'], {}, 'name at least one log file'],
  [['--report', 'r.html', '--once', '--json', 'a'], {}, '--once and --report are alternatives'],
  [['--report'], {}, '--report needs a value'],
  [['--report', 'r.html', '--lang', 'fr', 'a'], {}, '--lang takes es or en, got "fr"'],
  [['--lang', 'es', 'a'], {}, '--lang goes with --report'],
  [['--slo', '100', 'a'], {}, '--slo takes a percentage below 100'],
  [['--slo'], {}, '--slo needs a value'],
  [['--threshold', 'nope=1', 'a'], {}, '--threshold takes NAME=VALUE'],
  [['--nope', 'a'], {}, 'unknown flag --nope'],
  [['-x', 'a'], {}, 'unknown flag -x'],
  [['--port'], {}, '--port needs a value'],
  [['--port', '0', 'a'], {}, '--port takes a port'],
  [['--port', '8e1', 'a'], {}, '--port takes a port'],
  [['a'], { ESCUDO_DASHBOARD_PORT: '99999' }, 'ESCUDO_DASHBOARD_PORT takes a port'],
  [['--once', 'a'], {}, '--once and --json go together'],
  [['--json=no', '--once', 'a'], {}, '--json takes no value'],
  [['--format', 'nope', 'a'], {}, '--format takes one of'],
  [['--field', 'latency=took', 'a'], {}, 'needs a unit'],
  [['--field', 'latency=took:h', 'a'], {}, 'needs a unit'],
  [['--field', 'nope=x', 'a'], {}, '--field takes one of'],
  [['--field', '__proto__=x', 'a'], {}, '--field takes NAME=KEY'],
  [['--field', 'constructor=x', 'a'], {}, '--field takes one of'],
  [['--field', 'status=x:ms', 'a'], {}, 'takes no unit'],
  [['--field', 'status', 'a'], {}, '--field takes NAME=KEY'],
  [['--field'], {}, '--field needs a value'],
  [[], {}, 'name at least one log file'],
])('rejects %j with the reason in one line', (args, env, message) => {
  let thrown: unknown
  try {
    readCommand(args, env)
  } catch (error) {
    thrown = error
  }
  expect(String(thrown)).toContain(message)
  expect(String(thrown)).not.toContain('\n')
})

test.each([
  [['--lang', 'en'], { LANG: 'es_ES.UTF-8' }, 'en'],
  [[], { LANG: 'es_MX.UTF-8' }, 'es'],
  [[], { LANG: 'es_ES.UTF-8', LC_ALL: 'C' }, 'en'],
  [[], { LANG: 'estonian' }, 'en'],
  [[], {}, 'en'],
])('the language of a report with %j and %j is %s', (flags, env, language) => {
  expect(readCommand(['--report', 'r.html', ...flags, 'a'], env)).toMatchObject({ kind: 'report', language })
})
