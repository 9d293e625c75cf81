import { expect, test } from 'vitest'
import { UsageError } from '../../command-line.ts'
import { readServiceOptions, USAGE } from '../command-line.ts'

test('has defaults that finish in minutes', () => {
  expect(readServiceOptions([])).toEqual({
    only: '',
    rounds: 5,
    roundMs: 1_000,
    requests: 1_000_000,
    profiles: undefined,
    python: undefined,
    format: 'text',
    print: undefined,
  })
})

test('reads every option', () => {
  const args = ['--only', 'shop', '--rounds', '9', '--seconds', '0.5', '--requests', '2000', '--json']
  expect(readServiceOptions([...args, '--cpu-prof', 'out', '--python', '/venv/bin/python'])).toMatchObject({
    ...{ only: 'shop', rounds: 9, roundMs: 500, requests: 2_000, format: 'json' },
    ...{ profiles: 'out', python: '/venv/bin/python' },
  })
  expect(readServiceOptions(['--markdown', '--list'])).toMatchObject({ format: 'markdown', print: 'list' })
  expect(readServiceOptions(['--list', '--help']).print).toBe('help')
})

test.each([
  [['--fast'], "'--fast'"],
  [['everything'], "'everything'"],
  [['--rounds', '0'], '--rounds takes a whole number from 1 to 100'],
  [['--rounds', '1.5'], '--rounds takes a whole number'],
  [['--seconds', '9'], '--seconds takes a number from 0.1 to 8'],
  [['--seconds', '0'], '--seconds takes a number'],
  [['--seconds', ' '], '--seconds takes a number'],
  [['--requests', '10'], '--requests takes a whole number from 1000'],
  [['--cpu-prof', ''], '--cpu-prof takes a path'],
  [['--json', '--markdown'], 'exclude each other'],
])('rejects %j with a message that names the problem', (args, message) => {
  expect(() => readServiceOptions(args)).toThrow(UsageError)
  expect(() => readServiceOptions(args)).toThrow(message)
})

test('explains every option', () => {
  for (const option of ['only', 'list', 'rounds', 'seconds', 'requests', 'cpu-prof', 'python', 'json', 'markdown']) {
    expect(USAGE).toContain(`--${option} `)
  }
})
