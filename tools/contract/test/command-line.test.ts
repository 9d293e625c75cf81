import { expect, test } from 'vitest'
import { readCommand, WrongUsage } from '../command-line.ts'

const read = (...argv: string[]) => readCommand(argv, {})

test('without flags, checks all rows against a new shop', () => {
  expect(read()).toEqual({ kind: 'walk', rows: [], json: false, given: undefined })
})

test('reads rows, --json, and the ports and logs of a running shop', () => {
  const env = { ESCUDO_FLAKY_PORT: '9100' }
  const argv = [
    '--row',
    '4.7b',
    '--row=4.2',
    '--json',
    '--url',
    'http://localhost:8100',
    '--inventory-url',
    'http://127.0.0.1:9202/',
  ]
  expect(readCommand([...argv, '--logs', 'logs'], env)).toEqual({
    ...{ kind: 'walk', rows: ['4.7b', '4.2'], json: true },
    given: { ports: { shop: 8100, flaky: 9100, product: 9001, inventory: 9202, dashboard: 8501 }, logFolder: 'logs' },
  })
  expect(read('--help')).toEqual({ kind: 'help' })
  expect(read('-h', '--url', 'nonsense')).toEqual({ kind: 'help' })
})

test.each([
  [['--url', 'http://example.com/']],
  [['--url', 'https://localhost/']],
  [['--url', 'http://localhost:8000/items']],
  [['--url', 'http://u@localhost:8000']],
  [['--url', 'http://192.168.1.4:8000']],
  [['--url', 'localhost:8000']],
  [['--url', '']],
  [['--url']],
  [['--logs', 'logs']],
  [['--flaky-url', 'http://localhost:9000']],
  [['--row', '']],
  [['--bogus']],
  [['4.7b']],
])('rejects %j with a message of one line', (argv) => {
  expect(() => readCommand(argv, {})).toThrow(WrongUsage)
  try {
    readCommand(argv, {})
  } catch (error) {
    expect((error as Error).message).not.toContain('\n')
  }
})

test('rejects a port variable that is not a port, if a running shop needs it', () => {
  const env = { ESCUDO_FLAKY_PORT: '90000' }
  expect(() => readCommand(['--url', 'http://localhost:8000'], env)).toThrow(WrongUsage)
  expect(readCommand([], env)).toMatchObject({ given: undefined })
})
