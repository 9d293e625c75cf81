import { isUnit } from '../durations/units.ts'
import { FORMAT_NAMES } from './format-names.ts'
import { GENERAL } from './general-names.ts'
import type { Declared } from './line-of.ts'
import { type FieldName, type Path, paths } from './paths.ts'

/** The fields that `--field` can name. */
export const FIELDS: readonly string[] = [...Object.keys(GENERAL), 'latency']

/**
 * Reads what `--format` and `--field` declare.
 *
 * @returns the reason in one line, for a declaration that cannot be followed
 */
export function declared(format: string | undefined, fields: readonly string[]): Declared | string {
  if (format !== undefined && !FORMAT_NAMES.includes(format))
    return `--format takes one of ${FORMAT_NAMES.join(', ')}, got ${JSON.stringify(format)}`
  const names = new Map<FieldName, readonly Path[]>()
  let latency: Declared['latency']
  for (const field of fields) {
    const found = /^([a-z]+)=([^=:\s]{1,200})(?::(\w+))?$/.exec(field)
    if (found === null) return `--field takes NAME=KEY, for example latency=duration:ns, got ${JSON.stringify(field)}`
    const [, name = '', key = '', unit] = found
    const [path] = paths(key)
    if (name === 'latency') {
      if (unit === undefined || !isUnit(unit))
        return '--field latency=KEY needs a unit: ns, us, ms or s, for example latency=duration:ns'
      if (path !== undefined) latency = { path, unit }
    } else if (!isFieldName(name)) return `--field takes one of ${FIELDS.join(', ')}, got ${JSON.stringify(name)}`
    else if (unit !== undefined) return `--field ${name}=KEY takes no unit`
    else names.set(name, [...(names.get(name) ?? []), ...(path === undefined ? [] : [path])])
  }
  const result = { names: Object.fromEntries(names), ...(latency === undefined ? {} : { latency }) }
  return format === undefined ? result : { ...result, format }
}

function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(GENERAL, name)
}
