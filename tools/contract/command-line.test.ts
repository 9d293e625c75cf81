import { expect, test } from 'vitest'
import { readCommand, WrongUsage } from './command-line.ts'
import { allRows } from './rows/index.ts'
import { selected } from './rows/selection.ts'

const read = (...argv: string[]) => readCommand(argv, {})

test('without flags it starts a shop of its own and walks all rows', () => {
  expect(read()).toEqual({ kind: 'walk', rows: [], json: false, given: undefined })
})

test('rows, JSON, and a given shop with its ports', () => {
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
])('%j is wrong usage, said in one line', (argv) => {
  expect(() => readCommand(argv, {})).toThrow(WrongUsage)
  try {
    readCommand(argv, {})
  } catch (error) {
    expect((error as Error).message).not.toContain('\n')
  }
})

test('a variable that is no port is wrong usage, where a given shop needs it', () => {
  const env = { ESCUDO_FLAKY_PORT: '90000' }
  expect(() => readCommand(['--url', 'http://localhost:8000'], env)).toThrow(WrongUsage)
  expect(readCommand([], env)).toMatchObject({ given: undefined })
})

test('a number selects its row, its beginning a whole section, and 4.1 is not 4.10', () => {
  const ids = (wanted: string): string[] => [...new Set(selected(allRows, [wanted]).map(({ id }) => id))]
  expect(ids('4.7b')).toEqual(['4.7b'])
  expect(ids('4.7').sort()).toEqual(['4.7a', '4.7b', '4.7c'])
  expect(ids('4.1').sort()).toEqual(['4.1a', '4.1b', '4.1c', '4.1d'])
  expect(ids('4.10')).toEqual(['4.10'])
  expect(() => selected(allRows, ['5.1'])).toThrow(WrongUsage)
  expect(selected(allRows, [])).toBe(allRows)
})

test('every row of the contract is walked', () => {
  const numbers = '4.1a 4.1b 4.1c 4.1d 4.2a 4.2b 4.2c 4.2d 4.2e 4.2f 4.2g 4.2h 4.3 4.4a 4.4b 4.5 4.6a 4.6b 4.6c 4.6d'
  const rest = '4.7a 4.7b 4.7c 4.8a 4.8b 4.8c 4.9a 4.9b 4.10 docs body lang codes fault logs start cmd'
  const walked = new Set(allRows.map(({ id }) => id))
  expect([...`${numbers} ${rest}`.split(' ')].filter((id) => !walked.has(id))).toEqual([])
})

test('what stands alone comes in the order of its list: the crash before the logs, the end at the very end', () => {
  const alone = allRows.filter(({ alone }) => alone === true).map(({ id }) => id)
  expect(alone.indexOf('4.1d')).toBeLessThan(alone.indexOf('logs'))
  expect(alone.at(-1)).toBe('start')
})
