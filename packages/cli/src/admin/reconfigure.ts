import { type Command, misuse } from '../command.ts'
import { act } from './act.ts'
import { CONNECTION_DETAILS } from './connection.ts'
import { ACTING_OPTIONS, SHIELD } from './lever-commands.ts'

const SETTING = 'KEY=VALUE'
const DEPTH_MAX = 6

/** `escudo reconfigure`: changes options of a policy. */
export const reconfigure: Command = {
  name: 'reconfigure',
  summary: 'Change options of a policy while the service runs.',
  operands: [
    SHIELD,
    { name: 'POLICY', text: 'the name of the policy, as in escudo status' },
    { name: SETTING, repeatable: true, text: 'a new option: maxRetries=0 after=1s halfOpen.probes=2' },
  ],
  options: ACTING_OPTIONS,
  details: `All options are changed, or none. A dot leads into an option, as in
trip.failureRate.threshold=0.3. A value that is JSON is taken as such, any other
as text: limit=5, after=1s, ramp.steps=[0.1,0.5]. null is the default.

${CONNECTION_DETAILS}`,
  run: (given, output) =>
    act(given, output, { action: 'reconfigure', options: readSettings(given.get(SETTING) ?? []) }),
}

type Settings = { [key: string]: unknown }

/**
 * Reads `key=value` arguments.
 *
 * @throws CommandError for one without a key or a `=`, for a key that is given twice, and for a number beyond all bounds
 */
function readSettings(settings: readonly string[]): Settings {
  const options: Settings = {}
  for (const setting of settings) {
    const end = setting.indexOf('=')
    const keys = setting.slice(0, Math.max(0, end)).split('.')
    if (end < 1 || keys.length > DEPTH_MAX || keys.some((key) => key === '' || key === '__proto__')) {
      throw misuse(`expected KEY=VALUE, such as maxRetries=0, got ${JSON.stringify(setting)}`)
    }
    set(options, keys, parsed(setting), setting)
  }
  return options
}

function set(options: Settings, keys: readonly string[], value: unknown, setting: string): void {
  const [first = '', ...rest] = keys
  const present = Object.hasOwn(options, first) ? options[first] : undefined
  const isNested = typeof present === 'object' && present !== null && !Array.isArray(present)
  if (present !== undefined && (rest.length === 0 || !isNested)) {
    throw misuse(`${JSON.stringify(setting)} sets an option that another argument sets too`)
  }
  if (rest.length === 0) options[first] = value
  else {
    const inside = isNested ? (present as Settings) : {}
    options[first] = inside
    set(inside, rest, value, setting)
  }
}

/** The value of a `key=value` argument. */
function parsed(setting: string): unknown {
  const text = setting.slice(setting.indexOf('=') + 1)
  let isTooLarge = false
  let value: unknown
  try {
    value = JSON.parse(text, (_key, part: unknown) => {
      isTooLarge ||= typeof part === 'number' && !Number.isFinite(part)
      return part
    })
  } catch {
    return text
  }
  // It would be sent as null, which is the default.
  if (isTooLarge) throw misuse(`${JSON.stringify(setting)} has a number that is too large`)
  return value
}
