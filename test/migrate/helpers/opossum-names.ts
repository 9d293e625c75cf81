import { readFileSync } from 'node:fs'
import CircuitBreaker from 'opossum'
import { ROOT } from '../../shop/helpers/processes.ts'
import { declaredNames } from './declared-names.ts'

// Private, or not meant for users.
const INTERNAL = /^_|^constructor$|^prototype$|^length$|^coalesceCache$/

/**
 * The public names of opossum, by the heading of their table.
 *
 * Its types are those of an earlier major and lack newer options, so the names of the running code are added.
 */
export function opossumNames(): Readonly<Record<string, readonly string[]>> {
  const declared = declaredNames('@types/opossum', 'index.d.ts')
  const source = withoutComments('lib/circuit.js')
  const breaker = new CircuitBreaker(async () => 1)
  const status = Object.getPrototypeOf(breaker.status) as object
  try {
    const members = (owner: string): readonly string[] =>
      declared.filter((name) => name.startsWith(`${owner}.`)).map((name) => name.slice(owner.length + 1))
    return {
      Options: sorted([
        ...members('Options'),
        ...members('StatusOptions'),
        ...found(source, /\boptions\.(\w+)/g),
        ...found(withoutComments('lib/status.js'), /\boptions\.(\w+)/g),
      ]),
      Events: sorted([
        ...found(types(), /\bon\(event: "(\w+)"/g),
        ...found(source, /\bemit\('(\w+)'/g),
        ...found(withoutComments('lib/status.js'), /\bemit\('(\w+)'/g),
      ]),
      'Methods and properties': sorted([
        ...members('CircuitBreaker').filter((name) => !/^[A-Z]/.test(name)),
        ...Object.getOwnPropertyNames(CircuitBreaker.prototype),
        ...Object.getOwnPropertyNames(CircuitBreaker),
      ]),
      'Status, statistics and state': sorted([
        ...['Bucket', 'Stats'].flatMap(members),
        ...Object.keys(breaker.stats),
        ...members('State').map((name) => `state.${name}`),
        ...Object.keys(breaker.toJSON().state).map((name) => `state.${name}`),
        ...members('Status').map((name) => `status.${name}`),
        ...Object.getOwnPropertyNames(status).map((name) => (INTERNAL.test(name) ? name : `status.${name}`)),
      ]),
      Types: sorted([
        ...members('CircuitBreaker').filter((name) => /^[A-Z]/.test(name)),
        ...['CacheTransport', 'MemoryCache'].flatMap((owner) => members(owner).map((name) => `${owner}.${name}`)),
      ]),
    }
  } finally {
    breaker.shutdown()
  }
}

function withoutComments(file: string): string {
  return readFileSync(`${ROOT}/node_modules/opossum/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

function types(): string {
  return readFileSync(`${ROOT}/node_modules/@types/opossum/index.d.ts`, 'utf8')
}

function found(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name)
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => !INTERNAL.test(name)).sort()
}
