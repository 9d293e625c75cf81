import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withAmbient } from '../../../core/context/ambient.ts'
import { createLogger } from '../../pino.ts'

const RUNS = 2_000
const S = 'S3NT1N3L'

let count = 0
/** A secret that occurs once. */
const secret = fc.constant(null).map(() => {
  count += 1
  return `${S}${count}`
})

// Names of secrets in every way of writing several words, with and without further words around them.
const secretWord = fc.constantFrom(
  ['authorization'],
  ['cookie'],
  ['password'],
  ['passwd'],
  ['secret'],
  ['token'],
  ['api', 'key'],
  ['credential'],
  ['credentials'],
)
const otherWord = fc.constantFrom('x', 'user', 'access', 'old', 'db', 'set')
const secretName = fc
  .tuple(fc.array(otherWord, { maxLength: 2 }), secretWord, fc.array(otherWord, { maxLength: 1 }), fc.nat(5))
  .map(([before, word, after, style]) => spelled([...before, ...word, ...after], style))

function spelled(words: readonly string[], style: number): string {
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
  switch (style) {
    case 0:
      return words.join('_')
    case 1:
      return words.join('-')
    case 2:
      return words.join('_').toUpperCase()
    case 3:
      return words.map(capital).join('-')
    case 4:
      return words.join('.')
    default:
      return words.map((word, index) => (index === 0 ? word : capital(word))).join('')
  }
}

/** Values that contain a secret in a place where it must be found, and nothing else of interest. */
const holder = fc.tuple(secretName, secret, fc.nat(21)).map(([name, value, kind]): unknown => {
  const token = name.replaceAll(/[^\w-]/g, '_')
  switch (kind) {
    case 0:
      return new Map<unknown, unknown>([
        ['a', 1],
        [name, value],
      ])
    case 1:
      // Headers are lower case: camel case would lose its words.
      return new Headers({ [/[-_]|^[a-z]+$/.test(token) ? token : 'set-cookie']: value, accept: 'a' })
    case 2:
      return new URLSearchParams({ page: '1', [name]: value })
    case 3:
      return new URL(`https://user:${value}@h:1/p?q=1`)
    case 4:
      return new URL(`https://h/p?q=1&${encodeURIComponent(name)}=${value}#x`)
    case 5:
      return Object.assign(new Error('outer'), { config: { [name]: value } })
    case 6:
      return new Error('outer', { cause: Object.assign(new TypeError('inner'), { [name]: { deep: value } }) })
    case 7:
      return new AggregateError([Object.assign(new Error('one'), { [name]: [value] })], 'all')
    case 8:
      return ['accept', 'a', token, value]
    case 9:
      return [
        ['accept', 'a'],
        [token, value],
      ]
    case 10:
      return { value, name: token }
    case 11:
      return JSON.stringify({ a: [{ [name]: value }] })
    case 12:
      return `failed: postgres://app:${value}@db/x, trying again`
    case 13:
      return `GET / HTTP/1.1\r\nHost: h\r\n${token}: ${value}\r\n\r\n`
    case 14:
      return { toJSON: () => ({ [name]: value }) }
    case 15:
      return new (class Account {
        constructor() {
          Object.assign(this, { [name]: value })
        }
      })()
    case 16:
      return Object.defineProperty({}, name, { enumerable: true, get: () => value })
    case 17:
      return new Proxy({ [name]: value, other: 1 }, {})
    case 18:
      return new Set([{ [name]: new Date(0), [`${name}2`]: value }])
    case 19:
      return [`--${token}=${value}`]
    case 20:
      return Buffer.from(value)
    default:
      return { [name]: { nested: [value, new Map([[name, value]])] } }
  }
})

const trap = (): never => {
  throw new Error('trap')
}
const revoked = Proxy.revocable({}, {})
revoked.revoke()
/** Values that are hard to write. */
const hostile: readonly unknown[] = [
  Object.defineProperty({}, 'x', { enumerable: true, get: trap }),
  new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap, has: trap, getOwnPropertyDescriptor: trap }),
  revoked.proxy,
  { toJSON: trap },
  Object.create(null),
  Symbol('s'),
  1n,
  Number.NaN,
  trap,
  new Date(Number.NaN),
  new Response('x'),
  AbortSignal.abort(),
  new Float64Array(2),
  Promise.resolve(1),
  undefined,
  '\u001b[31m\u009b\u2028\n',
  '\ud800',
]

const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    'service',
    'event',
    'trace_id',
    'span_id',
    'timestamp',
    'log_level',
    '__proto__',
    'fields.service',
    '1',
  ),
)

// Values are made by functions, because fast-check itself cannot handle a revoked proxy.
type Make = () => unknown
const made =
  (value: unknown): Make =>
  () =>
    value
const objectOf =
  (makes: Readonly<Record<string, Make>>): Make =>
  () =>
    Object.fromEntries(Object.entries(makes).map(([name, make]) => [name, make()]))

const { tree } = fc.letrec<{ tree: Make }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    { weight: 3, arbitrary: holder.map(made) },
    { weight: 1, arbitrary: fc.nat(hostile.length - 1).map((index) => made(hostile[index])) },
    {
      weight: 1,
      arbitrary: fc
        .anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true })
        .map(made),
    },
    { weight: 2, arbitrary: fc.dictionary(key, tie('tree'), { maxKeys: 4 }).map(objectOf) },
    { weight: 2, arbitrary: fc.dictionary(secretName, secret, { maxKeys: 3 }).map(made) },
    { weight: 1, arbitrary: fc.array(tie('tree'), { maxLength: 4 }).map((makes) => () => makes.map((make) => make())) },
    { weight: 1, arbitrary: tie('tree').map((make) => () => new Error('x', { cause: make() })) },
    { weight: 1, arbitrary: tie('tree').map((make) => () => cyclic(make())) },
  ),
}))

function cyclic(inner: unknown): object {
  const value: Record<string, unknown> = { inner }
  value['self'] = { again: value }
  return value
}

const fields = fc.dictionary(key, tree, { maxKeys: 6 }).map(objectOf)

test(`${RUNS} arbitrary objects: no secret is written, nothing throws, each key once, every line is JSON`, () => {
  const texts: string[] = []
  const log = createLogger({
    service: 'x',
    level: 'debug',
    stdout: false,
    redact: ['card.*', '*.pin'],
    sink: { write: (line) => texts.push(line) },
  })
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }
  fc.assert(
    fc.property(fields, fields, fields, tree, (...makes) => {
      const [bindings, child, own, value] = makes.map((make) => make()) as [object, object, object, unknown]
      texts.length = 0
      withAmbient({ ...context, bindings: bindings as Record<string, unknown> }, () => {
        log.child(child).info({ ...own, card: { n: `${S}card` }, x: { pin: `${S}pin` } }, 'line')
      })
      log
        .child({})
        .child(child)
        .warn(value as object, 'value')
      log.error(value as object)
      log.info('%o %s %j', value as object, value as object, own)
      expect(texts).toHaveLength(4)
      for (const text of texts) {
        expect(text).not.toContain(S)
        expect(text.endsWith('\n')).toBe(true)
        expect(text.slice(0, -1)).not.toContain('\n')
        const parsed: unknown = JSON.parse(text)
        // A repeated key would make the text longer than that of its parsed form.
        expect(unescaped(JSON.stringify(parsed)).length).toBe(unescaped(text.slice(0, -1)).length)
        expect(parsed).toMatchObject({ service: 'x' })
      }
      expect(JSON.parse(texts[0] as string)).toMatchObject({ event: 'line', trace_id: context.traceId })
    }),
    { numRuns: RUNS },
  )
}, 120_000)

/** JSON.stringify leaves some control characters unescaped, which the lines escape. */
function unescaped(text: string): string {
  return text.replaceAll(/\\u(00[789][0-9a-f]|202[89])/g, 'x')
}
