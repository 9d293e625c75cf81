import { type Finding, WellKnown } from '../errors/catalogue/well-known.ts'
import { read } from '../errors/safe-read.ts'
import type { SchemaIssue, StandardSchema } from '../errors/standard-schema.ts'

/** The parts of a request that may have a schema. */
export type RequestPart = 'params' | 'query' | 'headers' | 'body'

/** At most so many findings are sent; `total` tells how many there were. */
const FINDINGS_MAX = 50
const TEXT_LENGTH_MAX = 200

/** A part of a request with its schema. */
export interface PartToValidate {
  readonly part: RequestPart
  readonly schema: StandardSchema
  readonly value: unknown
}

/**
 * Validates parts of a request, all of them, so that a client learns of every fault at once. Nothing is coerced unless
 * a schema says so.
 *
 * @returns what the schemas gave, in the same order
 * @throws VALIDATION_ERROR with the findings; never with a rejected value
 */
export async function validateParts(parts: readonly PartToValidate[]): Promise<readonly unknown[]> {
  const values: unknown[] = []
  const findings: Finding[] = []
  let total = 0
  for (const { part, schema, value } of parts) {
    const result = await schema['~standard'].validate(value)
    if (result.issues === undefined) {
      values.push(result.value)
      continue
    }
    total += result.issues.length
    for (const issue of result.issues.slice(0, FINDINGS_MAX - findings.length)) {
      findings.push(findingOf(part, issue, value))
    }
  }
  if (total > 0) throw validationError(findings, total)
  return values
}

/** `VALIDATION_ERROR` for findings, of which there may be more than are sent. */
export function validationError(findings: readonly Finding[], total: number = findings.length): Error {
  const errors = findings.slice(0, FINDINGS_MAX)
  return new WellKnown.VALIDATION_ERROR(total > errors.length ? { errors, total } : { errors })
}

/** A finding as it is sent. */
export function findingOf(part: string, issue: SchemaIssue, value: unknown): Finding {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
  const rejected = keys.reduce<unknown>(read, value)
  const isMissing = rejected === undefined
  const code = read(issue, 'code')
  const word = typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : 'invalid'
  return {
    in: part,
    pointer: pointerOf(keys),
    code: isMissing ? 'required' : word,
    message: shorten(echoes(issue.message, rejected) ? 'Invalid value' : String(issue.message)),
  }
}

/** A JSON pointer, RFC 6901. */
export function pointerOf(keys: readonly PropertyKey[]): string {
  return keys.map((key) => `/${shorten(String(key)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Whether a message repeats the value that was rejected, as some libraries' messages do. */
function echoes(message: unknown, rejected: unknown): boolean {
  if (typeof rejected === 'object' || typeof rejected === 'function' || rejected === undefined) return false
  const value = String(rejected)
  const text = String(message)
  if (value === '') return false
  // A short word can stand within any other: what counts is whether it stands somewhere by itself.
  const isWord = (character: string | undefined): boolean => character !== undefined && /\w/.test(character)
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    if (value.length > 8 || !(isWord(text[at - 1]) || isWord(text[at + value.length]))) return true
  }
  return false
}

function shorten(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text
}
