import { ConfigurationError } from '../../core/options/configuration-error.ts'
import type { ShieldFacts } from '../../core/registry.ts'
import type { NewOptions } from '../../core/shield-types.ts'
import { truncate } from '../../errors/to-json.ts'
import { pointerOf, validationError } from '../validation.ts'
import { builtFromJson, InvalidPart } from './json-builders.ts'

type JsonOptions = Readonly<Record<string, unknown>>

const MESSAGE_LENGTH_MAX = 200

/**
 * Reconfigures a shield with options that came as JSON.
 *
 * Durations are text or milliseconds, as in a program. JSON has no `undefined`, so null is the default, at any depth. It
 * has no functions either: what a program makes by calling one has a separate form, see {@link builtFromJson}.
 *
 * @param policy the policy of the options; undefined: they are by the name of the policy
 * @throws VALIDATION_ERROR with a pointer to the option
 */
export function reconfigureFrom(shield: ShieldFacts, policy: string | undefined, options: JsonOptions): void {
  const byPolicy = policy === undefined ? options : { [policy]: options }
  try {
    const built = Object.entries(byPolicy).map(([name, given]) => [name, builtOptions(name, given, shield)])
    shield.shield.reconfigure(Object.fromEntries(built) as NewOptions)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const keys = error instanceof InvalidPart ? error.keys : keysOf(error.path, byPolicy, shield)
    // A client that named the policy in the path does not repeat it in the options.
    const own = policy === undefined ? keys : keys.slice(1)
    const pointer = pointerOf(['options', ...own])
    throw validationError([{ in: 'body', pointer, code: 'invalid_option', message: messageOf(error) }])
  }
}

function builtOptions(name: string, given: unknown, shield: ShieldFacts): unknown {
  const type = shield.policies.find((one) => one.name === name)?.policy.type
  const options = withDefaults(given)
  if (!isObject(options)) return options
  return Object.fromEntries(
    Object.entries(options).map(([option, value]) => [
      option,
      builtFromJson(`${type}.${option}`, value, [name, option]),
    ]),
  )
}

/** Null is the default, at any depth. In a list, it is an item. */
function withDefaults(given: unknown): unknown {
  if (given === null) return undefined
  if (Array.isArray(given)) return given.map((item) => (item === null ? item : withDefaults(item)))
  if (!isObject(given)) return given
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, withDefaults(value)]))
}

/** The place of an invalid option in the request. The path in the error begins with the type of the policy. */
function keysOf(path: string, byPolicy: JsonOptions, shield: ShieldFacts): readonly string[] {
  const type = path.split('.', 1)[0] as string
  const rest = path.slice(type.length + 1)
  // The policy itself: it does not exist, or none of its options can change.
  if (type === 'reconfigure' && Object.hasOwn(byPolicy, rest)) return [rest]
  const option = rest.split(/[.[]/, 1)[0] as string
  const named = shield.policies.filter(({ name, policy }) => Object.hasOwn(byPolicy, name) && policy.type === type)
  const { name } = named.find(({ name }) => hasKey(byPolicy[name], option)) ?? named[0] ?? { name: undefined }
  // Two options do not fit together, and the request names another one of them.
  if (name === undefined) return Object.keys(byPolicy).length === 1 ? Object.keys(byPolicy) : []
  const keys = keysIn(byPolicy[name], rest)
  return hasKey(byPolicy[name], keys[0] as string) ? [name, ...keys] : [name]
}

/** Splits a path such as `a.b[0]` at the keys that the value has: a key that the client made up may have dots and brackets. */
function keysIn(value: unknown, path: string): string[] {
  if (path === '') return []
  const index = /^\[(\d+)\]/.exec(path)
  if (index !== null && Array.isArray(value)) {
    return [index[1] as string, ...keysIn(value[Number(index[1])], behind(path, index[0]))]
  }
  const leads = (key: string): boolean => path === key || ['.', '['].some((next) => path.startsWith(key + next))
  const own = isObject(value) ? Object.keys(value).filter(leads) : []
  const longest = own.reduce((one, other) => (other.length > one.length ? other : one), '')
  const key = own.length === 0 ? (path.split(/[.[\]]/, 1)[0] as string) : longest
  if (key === '') return [path]
  return [key, ...keysIn(isObject(value) ? value[key] : undefined, behind(path, key))]
}

function behind(path: string, start: string): string {
  return path.slice(start.length).replace(/^\./, '')
}

/** The message without the path, which the pointer shows, and without the rejected value. */
function messageOf({ path, message }: ConfigurationError): string {
  const text = message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message
  const end = text.indexOf(', got ')
  const expected = end === -1 ? text : text.slice(0, end)
  const isFunction = /^expected a function\b/.test(expected)
  return truncate(
    isFunction ? `${expected}, which JSON cannot carry: change it in the program` : expected,
    MESSAGE_LENGTH_MAX,
  )
}

function hasKey(value: unknown, key: string): boolean {
  return isObject(value) && Object.hasOwn(value, key)
}

function isObject(value: unknown): value is JsonOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
